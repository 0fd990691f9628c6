"""`spoolq pause`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_nothing_is_given_out_but_tasks_are_published(cli: Callable, spool: Spool) -> None:
    ran = cli("pause", "--reason", "moving").good()
    assert ran.out == ""
    cli("put", stdin=b"").good()
    assert "is paused: moving" in cli("get").bad(3)
    assert spool.stats().ready == 1
    assert spool.stats().paused == "moving"


def test_json(cli: Callable, spool: Spool) -> None:
    found = cli("pause", "--json", "--reason", "moving").good().objects
    assert found == [{"path": spool.path, "paused": "moving"}]


def test_pausing_again_replaces_the_reason(cli: Callable, spool: Spool) -> None:
    cli("pause", "--reason", "one").good()
    cli("pause", "--reason", "two").good()
    assert spool.stats().paused == "two"
