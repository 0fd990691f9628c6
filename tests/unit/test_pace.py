"""How often consumers look: soon after work, seldom when idle, and never in step with each other."""

from __future__ import annotations

import random

import pytest

from spoolq.waiting import pace


def test_pauses_grow_from_soon_after_work_to_the_cap() -> None:
    pauses = [pace.poll_seconds(idle, 1.0, 0.0) for idle in range(60)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 0.05
    assert pauses[-1] == 1.0
    assert sum(pauses[:12]) > 1.0  # a dozen looks, and it has settled down


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_no_pause_is_longer_than_the_cap_or_shorter_than_three_quarters(chance: float) -> None:
    for cap in (0.2, 1.0, 30.0):
        assert 0.75 * cap <= pace.poll_seconds(1000, cap, chance) <= cap


def test_many_consumers_that_start_together_do_not_look_in_step() -> None:
    chance = random.Random(1)
    looks = []
    for _ in range(200):
        at = 0.0
        for idle in range(60):
            at += pace.poll_seconds(idle, 1.0, chance.random())
        looks.append(at % 1.0)
    busiest = max(
        sum(tenth / 10 <= look < (tenth + 1) / 10 for look in looks) for tenth in range(10)
    )
    assert busiest < 40  # of 200; 20 in each tenth of a second is even
