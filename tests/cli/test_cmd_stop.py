"""`spoolq stop`: who is asked; that workers listen is tested with real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from support.crew import heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

ALPHA, BETA = "alpha-4711-ABCDEFGH22", "beta-7-ABCDEFGH22"


def asked(spool: Spool) -> dict[str, bool]:
    """Worker -> whether it is to stop at once."""
    files = (Path(spool.path) / "sys/workers").glob("stop.*")
    return {path.name.removeprefix("stop."): json.loads(path.read_text())["now"] for path in files}


def test_all_that_are_alive_are_asked(cli: Callable, spool: Spool) -> None:
    heartbeat(spool, ALPHA)
    heartbeat(spool, BETA)
    heartbeat(spool, "gone-8-ABCDEFGH22", ago=3600)
    assert cli("stop").good().lines == [ALPHA, BETA]
    assert asked(spool) == {ALPHA: False, BETA: False}


def test_those_of_a_host_or_one_by_name_at_once(cli: Callable, spool: Spool) -> None:
    heartbeat(spool, ALPHA)
    heartbeat(spool, BETA)
    (told,) = cli("stop", "--host", "beta", "--now", "--json").good().objects
    assert told == {"worker": BETA, "host": "beta", "now": True}
    assert cli("stop", "--worker", ALPHA).good().lines == [ALPHA]
    assert asked(spool) == {BETA: True, ALPHA: False}


def test_nobody_there_is_status_3(cli: Callable, spool: Spool) -> None:
    assert "no worker is alive" in cli("stop").bad(3)
    heartbeat(spool, ALPHA)
    assert "on host node9" in cli("stop", "--host", "node9").bad(3)
    assert f"of the name {BETA}" in cli("stop", "--worker", BETA).bad(3)
    assert asked(spool) == {}


def test_a_host_or_a_worker_not_both(cli: Callable, spool: Spool) -> None:
    heartbeat(spool, ALPHA)
    said = cli("stop", "--host", "alpha", "--worker", ALPHA).bad(2)
    assert "argument --worker: not allowed with argument --host" in said
    assert asked(spool) == {}
