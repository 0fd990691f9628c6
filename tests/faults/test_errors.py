"""Every errno at every operation of every move: once, from then on, and though it was done.

The process lives on. It tells what is wrong in one line, tries again when the trouble is over, and
no guarantee is broken meanwhile.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from support import tally
from support.faulty_fs import CHANGING, ERRNOS, LISTINGS, error_at, error_though_done
from support.memory_spool import predictable
from support.moves import MOVES, Move
from support.one_fault import Run, operations_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faulty_fs import FaultyFileSystem, Plan

MOVES_BY_NAME = pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
ALL = pytest.mark.guarantee("I1", "I3", "I4", "I5", "I6")
ON_NETWORKS = (errno.EIO, errno.ENOENT)
"""One that is sat out, and one after which the other name is looked for; the rest is as locally."""
LOOKS = frozenset(("read", "read_record", "read_part", "lstat", "exists", "refresh", *LISTINGS))


def endure(move: Move, what: str, plan: Callable[[FaultyFileSystem], Plan], network: bool) -> None:
    """Make the move with this fault, try again, and judge."""
    with predictable(f"{move.name} {what}"):
        run = Run(move, is_network=network)
        run.make(plan)
        run.make_again()
        run.check()


def places(move: Move, network: bool, codes: tuple[int, ...]) -> list[tuple[int, str, int]]:
    """Every operation with every errno; but who is told that a file is not there believes it."""
    return [
        (number, name, code)
        for number, name in enumerate(operations_of(move, is_network=network), 1)
        for code in codes
        if not (move.finds is not None and name in LOOKS and code == errno.ENOENT)
    ]


@ALL
@MOVES_BY_NAME
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("network", [False, True], ids=["local", "network"])
def test_any_error_anywhere_breaks_no_guarantee(move: Move, lasting: bool, network: bool) -> None:
    for number, name, code in places(move, network, ON_NETWORKS if network else ERRNOS):
        what = f"{number} {name}: {errno.errorcode[code]}"
        endure(move, what, lambda _, n=number, c=code: error_at(n, c, lasting=lasting), network)
        tally.fault(f"errors, {'lasting' if lasting else 'once'}")


@ALL
@MOVES_BY_NAME
def test_an_error_of_what_was_done_breaks_no_guarantee(move: Move) -> None:
    for number, name, code in places(move, False, ERRNOS):
        if name in CHANGING | LISTINGS:
            what = f"{number} {name}: {errno.errorcode[code]}"
            endure(move, what, lambda fs, n=number, c=code: error_though_done(fs, n, c), False)
            tally.fault("errors of operations that were done, or half done")
