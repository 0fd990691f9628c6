"""`spoolq resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_jobs_are_given_out_again(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    spool.pause("moving")
    assert cli("resume").good().out == ""
    assert cli("get").good().out.startswith(job_id)


def test_resuming_what_is_not_paused_is_no_error(cli: Callable, spool: Spool) -> None:
    found = cli("resume", "--json").good().objects
    assert found == [{"path": spool.path, "paused": None}]
