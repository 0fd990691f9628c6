"""The power fails after every operation of every move; what was synced is there, the rest perhaps.

Each level of durability is held to exactly what it promises: `full` to everything, `publish` to
what was published, `off` only to going on without repair by hand.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from support import tally
from support.memory_spool import predictable
from support.moves import MOVES, Move
from support.one_fault import Run
from support.power_loss import PoweredFileSystem
from support.record import EVERYTHING, PUBLISHED, assert_guarantees
from support.stages import build

if TYPE_CHECKING:
    from support.faulty_fs import FaultyFileSystem, Operation, Plan
    from support.record import Record

PROMISED = {"full": EVERYTHING, "publish": frozenset({PUBLISHED}), "off": frozenset()}
MOST = {"full": 4, "publish": 2, "off": 2}
UNPLACED = ("done, record unplaced", "leftovers")
"""Stages on which a holder died before its record was placed and synced: its `done` never returned."""
RUN_ALL = os.environ.get("FAULTS") == "all"


def lose_power(fs: PoweredFileSystem, record: Record, durability: str, most: int) -> int:
    """Judge what a power loss at this moment may leave; how many such losses."""
    after = record.copy()
    after.held.clear()  # all holders are gone with their machine
    after.paused = None  # a pause is not synced, nor is what workers tell
    after.workers.clear()
    after.asked.clear()
    # Of a job that is being pruned the result may go first.
    kept = after.payloads.keys() - after.may_be_pruned
    after.results = {job_id: after.results[job_id] for job_id in after.results.keys() & kept}
    count = 0
    for left in fs.losses(random.Random(len(fs.inodes)), most):
        assert_guarantees(left, after.copy(), PROMISED[durability])
        count += 1
    return count


@pytest.mark.timeout(900)
@pytest.mark.guarantee("I1", "I3", "I4", "I6")
@pytest.mark.parametrize("durability", PROMISED)
@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_a_power_loss_anywhere_takes_no_more_than_the_level_allows(
    move: Move, durability: str
) -> None:
    most = 500 if RUN_ALL else MOST[durability]
    with predictable(move.name):
        stage = build(move.stage, durability=durability, make=PoweredFileSystem)
        fs: Any = stage.fs
        fs.settle()
        if move.stage in UNPLACED:
            stage.record.results.clear()
        run = Run(move, stage=stage)
        losses = 0

        def at_each(_: FaultyFileSystem) -> Plan:
            def plan(operation: Operation) -> Any:
                nonlocal losses
                try:
                    return operation()
                finally:
                    losses += lose_power(fs, stage.record, durability, most)

            return plan

        run.make(at_each)
        assert run.error is None
        losses += lose_power(fs, stage.record, durability, most)
    assert losses > len(run.fs.operations)
    tally.fault("power losses, in memory", losses)
