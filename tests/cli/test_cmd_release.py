"""`spoolq release`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_a_released_job_is_ready_and_its_attempt_not_counted(
    cli: Callable, taken: Callable, spool: Spool
) -> None:
    name = taken()
    ran = cli("release", name).good()
    assert (ran.out, ran.err) == ("", "")
    job = spool.get(name.partition(".")[0])
    assert (job.status.name, job.reschedules) == ("READY", 0)
    assert cli("get", "--json").good().objects[0]["attempt"] == 1


def test_a_delay_is_kept_to(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    job_id = name.partition(".")[0]
    (found,) = cli("release", "--delay", "1h", "--json", name).good().objects
    assert found == {"id": job_id, "name": name, "status": "delayed"}
    assert spool.get(job_id).status.name == "DELAYED"


@pytest.mark.guarantee("I5")
def test_a_lost_lease_is_status_4(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    cli("done", name).good()
    assert " is lost: " in cli("release", name).bad(4)
    assert spool.get(name.partition(".")[0]).status.name == "DONE"
