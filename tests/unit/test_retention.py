"""What retention keeps: by age, number and size; counted to the second. Pure."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.errors import InvalidSetting
from spoolq.rules import names
from spoolq.rules.retention import Keep, Tally, chosen
from spoolq.rules.settings import Settings

SECONDS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 1000)), max_size=60)


def job_id(second: int) -> str:
    return names.format_id(5, 1.7e9 + second + 0.25, "ABCDEFGH")


@given(SECONDS, st.integers(1, 70), st.integers(1, 20_000))
def test_what_stays_is_enough_and_too_much_by_one_second_at_most(
    jobs: list[tuple[int, int]], keep_jobs: int, keep_bytes: int
) -> None:
    for keep in (Keep(jobs=keep_jobs), Keep(size_bytes=keep_bytes)):
        tally = Tally()
        for second, size in jobs:
            tally.add(job_id(second), is_task=True, size=size)
        last = tally.last_to_go(keep)
        stay = [(s, size) for s, size in jobs if not (last and job_id(s)[2:17] <= last)]
        if last:
            assert keep.jobs == 0 or len(stay) >= keep.jobs
            assert keep.size_bytes == 0 or sum(size for _, size in stay) >= keep.size_bytes
        if stay:
            younger = [(s, size) for s, size in stay if s != min(stay)[0]]
            assert keep.jobs == 0 or len(younger) < keep.jobs
            assert keep.size_bytes == 0 or sum(size for _, size in younger) < keep.size_bytes


def test_the_spools_own_retention_unless_something_is_given() -> None:
    own = Settings(retention_seconds=7, retention_jobs=3, retention_bytes=9)
    assert chosen(own, None, None, None) == Keep(7, 3, 9)
    assert chosen(own, 60, None, None) == Keep(60)
    assert chosen(own, None, 5, None) == Keep(math.inf, 5)
    assert chosen(own, None, None, 5) == Keep(math.inf, 0, 5)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "9", math.nan])
def test_a_bound_that_makes_no_sense_is_refused(bad: object) -> None:
    for bounds in ((None, bad, None), (None, None, bad)):
        with pytest.raises(InvalidSetting):
            chosen(Settings(), *bounds)  # type: ignore[arg-type]
