"""Every errno at every operation of every move: once, from then on, and though it was done.

The process lives on. It tells what is wrong in one line, tries again when the trouble is over, and
no guarantee is broken meanwhile.
"""

from __future__ import annotations

import errno
import functools
import os
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
RUN_ALL = os.environ.get("FAULTS") == "all"
ALL = pytest.mark.guarantee("I1", "I3", "I4", "I5", "I6")
ON_NETWORKS = (errno.EIO, errno.ENOENT)
"""One that is sat out, and one after which the other name is looked for; the rest is as locally."""
LOOKS = frozenset(("read", "read_record", "read_part", "lstat", "exists", "refresh", *LISTINGS))


def endure(
    move: Move,
    what: str,
    plan: Callable[[FaultyFileSystem], Plan],
    network: bool,
    *,
    may_have_counted: bool = False,
) -> None:
    """Make the move with this fault, try again, and judge.

    With `may_have_counted`, a rename may be refused that was done: the holder who tries again then
    finds its job done, a quiet success, and the result that it brought is not promised to be there.
    """
    with predictable(f"{move.name} {what}"):
        run = Run(move, is_network=network)
        run.process.is_alone = not may_have_counted
        run.make(plan)
        run.make_again()
        run.check()


def places(move: Move, network: bool, most: int) -> list[tuple[int, str, int]]:
    """Every operation, each with `most` errnos in turn; FAULTS=all: with all of them.

    But who looks, and is told that a file is not there, believes it.
    """
    codes = ON_NETWORKS if network else ERRNOS
    most = len(codes) if RUN_ALL else most
    return [
        (number, name, codes[(number * most + turn) % len(codes)])
        for number, name in enumerate(operations_of(move, is_network=network), 1)
        for turn in range(most)
        if not (
            move.finds is not None
            and name in LOOKS
            and codes[(number * most + turn) % len(codes)] == errno.ENOENT
        )
    ]


@ALL
@MOVES_BY_NAME
@pytest.mark.parametrize("network", [False, True], ids=["local", "network"])
def test_any_error_anywhere_breaks_no_guarantee(move: Move, network: bool) -> None:
    for number, name, code in places(move, network, len(ON_NETWORKS if network else ERRNOS)):
        what = f"{number} {name}: {errno.errorcode[code]}"
        endure(move, what, lambda _, n=number, c=code: error_at(n, c), network)
        tally.fault("errors, once")


@ALL
@MOVES_BY_NAME
@pytest.mark.parametrize("network", [False, True], ids=["local", "network"])
def test_errors_that_last_break_no_guarantee(move: Move, network: bool) -> None:
    for number, name, code in places(move, network, 1 if network else 2):
        what = f"{number} {name}: {errno.errorcode[code]}"
        endure(move, what, lambda _, n=number, c=code: error_at(n, c, lasting=True), network)
        tally.fault("errors, from an operation on")


@ALL
@MOVES_BY_NAME
def test_an_error_of_what_was_done_breaks_no_guarantee(move: Move) -> None:
    for number, name, code in places(move, False, 2):
        if name in CHANGING | LISTINGS:
            what = f"{number} {name}: {errno.errorcode[code]}"
            plan = functools.partial(error_though_done, number=number, code=code)
            endure(move, what, plan, False, may_have_counted=True)
            tally.fault("errors of operations that were done, or half done")
