"""NFS: a reply is lost and the request carried out twice, at once or long after."""

from __future__ import annotations

from itertools import combinations

import pytest
from support import tally
from support.faulty_fs import BY_HANDLE, CHANGING, repeated_late, reply_lost
from support.memory_spool import predictable
from support.moves import MOVES, Move
from support.one_fault import Run, operations_of, told_of

MOVES_BY_NAME = pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)


@pytest.mark.guarantee("I1", "I2", "I3", "I4", "I5", "I6")
@MOVES_BY_NAME
def test_a_lost_reply_breaks_no_guarantee(move: Move) -> None:
    for number, name in enumerate(operations_of(move, is_network=True), 1):
        if name in CHANGING:
            with predictable(move.name), told_of(f"reply of {number}, {name}"):
                run = Run(move, is_network=True)
                run.make(lambda _, at=number: reply_lost(at))
                run.make_again()
                run.check()
            tally.fault("operations carried out twice, the first reply lost")


@pytest.mark.guarantee("I1", "I2", "I3", "I4", "I5", "I6")
@MOVES_BY_NAME
def test_a_request_repeated_late_breaks_no_guarantee(move: Move) -> None:
    operations = operations_of(move, is_network=True)
    for number, later in combinations(range(1, len(operations) + 1), 2):
        if operations[number - 1] in CHANGING - BY_HANDLE:
            with predictable(move.name), told_of(f"{number} again before {later}"):
                run = Run(move, is_network=True)
                run.make(lambda _, at=number, again=later: repeated_late(at, again))
                run.make_again()
                run.check()
            tally.fault("operations repeated late")
