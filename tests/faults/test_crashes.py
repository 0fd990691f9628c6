"""A process dies before, after and within every operation of every move; others go on.

In memory, by an exception that nothing catches: test_killed_at_every_operation.py does the same to
real processes, with fewer moves.
"""

from __future__ import annotations

import pytest
from support import tally
from support.faulty_fs import crash_after, crash_before, crash_within
from support.memory_spool import predictable
from support.moves import MOVES, Move
from support.one_fault import Run, operations_of, told_of


@pytest.mark.guarantee("I1", "I3", "I4", "I5", "I6")
@pytest.mark.parametrize("durability", ["full", "publish", "off"])
@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_a_crash_anywhere_breaks_no_guarantee(move: Move, durability: str) -> None:
    operations = operations_of(move, durability)
    for number, name in enumerate(operations, 1):
        for crash in (crash_before, crash_after, crash_within):
            if crash is crash_within and name != "write":
                continue
            with predictable(move.name), told_of(f"{crash.__name__} {number}, {name}"):
                run = Run(move, durability)
                run.make(lambda fs, plan=crash, at=number: plan(fs, at))
                assert run.died
                run.check()
            tally.fault("crashes of a process, in memory")
