"""Every interleaving of two processes' operations, for every pair of moves; three by chance.

No operation fails here and nobody dies, but for one state in 25, in which all die. What both were
told must agree, and hold from then on. Which pairs there are is a table: a stage, and the moves
that can be made on it; each is paired with each, and with itself.
"""

from __future__ import annotations

import random
from itertools import combinations_with_replacement

import pytest
from support import tally
from support.interleave import Interleavings
from support.moves import BY_NAME
from support.stages import build

CRASH_EVERY = 25
WALKS = 12
HOLDERS = ("renew", "done", "done with result", "fail", "fail without delay", "fail for good")
HOLDERS += ("release",)
ANYBODY = ("claim", "cancel ready", "get ready", "reap expired", "prune")
MOVES_ON = {
    "nothing": ("publish with key", "publish with key delayed", "publish", "claim"),
    "ready": (*ANYBODY, "claim many", "pause"),
    "ready with options": ("publish with key", "cancel ready", "claim", "prune"),
    "delayed": ANYBODY,
    "leased": (*HOLDERS, *ANYBODY),
    "leased together": ("renew together", "done", "cancel ready", "reap expired"),
    "expired": (*HOLDERS, *ANYBODY),
    "expired for good": ("renew", "done with result", "release", *ANYBODY),
    "without sidecar": ("renew", "done", *ANYBODY),
    "failed": ("retry", "prune failed", *ANYBODY),
    "done": ("publish with key", "result", "retry", *ANYBODY),
    "done, record unplaced": ("result", "prune", "reap expired", "get ready", "cancel ready"),
    "key without job": ("publish with key", "publish with key delayed", "reap expired"),
    "key without job, old": ("publish with key", "reap expired", "prune"),
    "leftovers": ("reap expired", "prune", "result"),
}
PAIRS = [
    (stage, *pair)
    for stage, moves in MOVES_ON.items()
    for pair in combinations_with_replacement(moves, 2)
]


@pytest.mark.guarantee("I1", "I2", "I3", "I4", "I5", "I6", "I7")
@pytest.mark.parametrize(("stage", "one", "other"), PAIRS, ids=lambda name: name.replace(" ", "-"))
def test_no_interleaving_of_two_breaks_a_guarantee(stage: str, one: str, other: str) -> None:
    both = Interleavings(build(stage), [BY_NAME[one], BY_NAME[other]], CRASH_EVERY)
    ways = both.explore()
    tally.add("interleavings of two processes, all of them", ways)
    tally.add("states that they go through", both.states)
    tally.fault("crashes of both processes at once", both.crashes)


@pytest.mark.guarantee("I1", "I2", "I3", "I4", "I5", "I6", "I7")
@pytest.mark.parametrize("stage", MOVES_ON)
def test_no_interleaving_of_three_tried_breaks_a_guarantee(stage: str) -> None:
    chance = random.Random(stage)
    for _ in range(WALKS):
        chosen = [BY_NAME[name] for name in chance.choices(MOVES_ON[stage], k=3)]
        three = Interleavings(build(stage), chosen, 5 * CRASH_EVERY)
        three.walk(chance)
        tally.add("interleavings of three processes, by chance")
