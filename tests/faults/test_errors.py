"""Every errno at every operation of every move: once, from then on, and though it was done.

The process lives on. It tells what is wrong in one line, tries again when the trouble is over, and
no guarantee is broken meanwhile.
"""

from __future__ import annotations

import errno
import functools
from typing import TYPE_CHECKING

import pytest
from support import tally
from support.faulty_fs import CHANGING, ERRNOS, LISTINGS, error_at, error_though_done
from support.memory_spool import predictable
from support.moves import MOVES, Move
from support.one_fault import Run, operations_of, told_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faulty_fs import FaultyFileSystem, Plan

MOVES_BY_NAME = pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
ON_BOTH = pytest.mark.parametrize("network", [False, True], ids=["local", "network"])
ALL = pytest.mark.guarantee("I1", "I3", "I4", "I5", "I6")
LOOKS = frozenset(("read", "read_record", "read_part", "lstat", "exists", "refresh", *LISTINGS))


def endure(
    move: Move,
    place: tuple[int, str, int],
    plan: Callable[[FaultyFileSystem], Plan],
    network: bool,
    *,
    may_have_counted: bool = False,
) -> None:
    """Make the move with this fault, try again, and judge.

    With `may_have_counted`, a rename may be refused that was done: the holder who tries again then
    finds its job done, a quiet success, and the result that it brought is not promised to be there.
    """
    number, name, code = place
    with predictable(move.name), told_of(f"operation {number}, {name}: {errno.errorcode[code]}"):
        run = Run(move, is_network=network)
        run.process.is_alone = not may_have_counted
        run.make(plan)
        run.make_again()
        run.check()


def places(move: Move, network: bool) -> list[tuple[int, str, int]]:
    """Every operation with every errno.

    But who looks, and is told that a file is not there, believes it.
    """
    return [
        (number, name, code)
        for number, name in enumerate(operations_of(move, is_network=network), 1)
        for code in ERRNOS
        if not (move.finds is not None and name in LOOKS and code == errno.ENOENT)
    ]


@ALL
@MOVES_BY_NAME
@ON_BOTH
def test_any_error_anywhere_breaks_no_guarantee(move: Move, network: bool) -> None:
    for place in places(move, network):
        number, _, code = place
        endure(move, place, lambda _, n=number, c=code: error_at(n, c), network)
        tally.fault("errors, once")


@ALL
@MOVES_BY_NAME
@ON_BOTH
def test_errors_that_last_break_no_guarantee(move: Move, network: bool) -> None:
    for place in places(move, network):
        number, _, code = place
        endure(move, place, lambda _, n=number, c=code: error_at(n, c, lasting=True), network)
        tally.fault("errors, from an operation on")


@ALL
@MOVES_BY_NAME
@ON_BOTH
def test_an_error_of_what_was_done_breaks_no_guarantee(move: Move, network: bool) -> None:
    for place in places(move, network):
        number, name, code = place
        if name in CHANGING | LISTINGS:
            plan = functools.partial(error_though_done, number=number, code=code)
            endure(move, place, plan, network, may_have_counted=True)
            tally.fault("errors of operations that were done, or half done")
