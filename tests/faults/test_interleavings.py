"""Every interleaving of two processes' operations, for every pair of moves; three by chance.

No operation fails here and nobody dies, but for one state in 40, in which all die. What both were
told must agree, and hold from then on. Every move that can be made on a stage is paired with every
one.
"""

from __future__ import annotations

import functools
import random
from itertools import combinations_with_replacement

import pytest
from support import tally
from support.interleave import Ground, Interleavings
from support.moves import BY_NAME
from support.stages import build

CRASH_EVERY = 40
WALKS = 6
HOLDERS = ("renew", "done", "done with result", "fail", "fail without delay", "fail for good")
HOLDERS += ("release",)
CLAIM, CANCEL, GET, REAP, PRUNE, KEY = (
    *("claim", "cancel ready", "get ready", "reap expired", "prune", "publish with key"),
)
ANYBODY = (CLAIM, CANCEL, GET, REAP, PRUNE)
MOVES_ON = {
    "no directory": ("init",),
    "empty directory": ("init in an empty directory",),
    "half made": ("init after one that died",),
    "nothing": ("journal", KEY, "publish with key delayed", "publish", CLAIM),
    "ready": (*ANYBODY, "claim many", "pause"),
    "ready with options": (KEY, CANCEL, CLAIM, PRUNE),
    "delayed": ANYBODY,
    "leased": (*HOLDERS, *ANYBODY),
    "leased together": ("renew together", "done together", "done", CANCEL, REAP),
    "expired": (*HOLDERS, *ANYBODY),
    "expired for good": ("renew", "done with result", "release", *ANYBODY),
    "without sidecar": ("renew", "done", *ANYBODY),
    "failed": ("retry", "prune failed", *ANYBODY),
    "done": (KEY, "result", "retry", *ANYBODY),
    "two done": ("prune to keep one", "prune to keep bytes", "look at logs", "result", PRUNE),
    "worker": ("worker tells", "worker leaves", "ask to stop", "stop asked", PRUNE),
    "done, record unplaced": ("result", PRUNE, REAP, GET, CANCEL),
    "key without job": (KEY, "publish with key delayed", REAP),
    "key without job, old": (KEY, REAP, PRUNE),
    "leftovers": (REAP, PRUNE, "result"),
    "left files": (REAP, PRUNE),
    "left job": (REAP, PRUNE),
    "left key": (REAP, PRUNE, KEY),
    "left sidecar": (REAP, PRUNE, CLAIM),
    "left record": (REAP, PRUNE, GET, "result"),
}
TOO_MANY = ("leftovers", "two done", "no directory", "empty directory")
"""Two that sweep, or make, many things at once go too many ways, so some by chance; other stages
have one of these things each."""
PAIRS = [
    (stage, *pair)
    for stage, moves in MOVES_ON.items()
    if stage not in TOO_MANY
    for pair in combinations_with_replacement(moves, 2)
]


@functools.lru_cache(maxsize=1)
def ground(stage: str) -> Ground:
    """A stage, kept as long as its pairs are tried."""
    return Ground(build(stage))


@pytest.mark.timeout(1800)
@pytest.mark.guarantee("I1", "I2", "I3", "I4", "I5", "I6", "I7")
@pytest.mark.parametrize(("stage", "one", "other"), PAIRS, ids=lambda name: name.replace(" ", "-"))
def test_no_interleaving_of_two_breaks_a_guarantee(stage: str, one: str, other: str) -> None:
    both = Interleavings(ground(stage), [BY_NAME[one], BY_NAME[other]], CRASH_EVERY)
    ways = both.explore()
    tally.add("interleavings of two processes, all that differ", ways)
    tally.add("states that they go through", both.states)
    tally.add("ends that they come to", both.ends)
    tally.fault("crashes of both processes at once", both.crashes)


@pytest.mark.timeout(1800)
@pytest.mark.guarantee("I1", "I2", "I3", "I4", "I5", "I6", "I7")
@pytest.mark.parametrize("stage", MOVES_ON)
def test_no_interleaving_of_three_tried_breaks_a_guarantee(stage: str) -> None:
    chance = random.Random(stage)
    for _ in range(10 * WALKS if stage in TOO_MANY else WALKS):
        chosen = [BY_NAME[name] for name in chance.choices(MOVES_ON[stage], k=3)]
        three = Interleavings(ground(stage), chosen, CRASH_EVERY)
        three.walk(chance)
        tally.add("interleavings of three processes, by chance")
