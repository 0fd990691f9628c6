"""Candidates: strict order alone, apart when losing, back to the front in time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.holding.candidates import FRONT_SECONDS, RELIST_AFTER_LOSSES, Candidates


def job(number: int, priority: int = 5) -> str:
    digits = "".join("ABCDEFGHIJ"[int(d)] for d in f"{number:08d}")
    return f"{priority}-20261123T000000{number:06d}-{digits}"


def next_of(candidates: Candidates, now: float) -> str | None:
    few = candidates.next_few(now, 1)
    return few[0] if few else None


def drained(candidates: Candidates, now: float = 0.0) -> list[str]:
    found = []
    while (name := next_of(candidates, now)) is not None:
        found.append(name)
    return found


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99_999)), unique=True))
def test_alone_it_serves_strictly_by_priority_then_age(given_jobs: list[tuple[int, int]]) -> None:
    listed = [job(number, priority) for priority, number in given_jobs]
    candidates = Candidates()
    candidates.fill(listed)
    assert drained(candidates) == sorted(listed)


def test_foreign_names_are_never_tried() -> None:
    candidates = Candidates()
    candidates.fill([".nfs01", "README", job(1), job(2) + ".x", "..", ""])
    candidates.arrive("core.1234")
    assert drained(candidates) == [job(1)]


def test_arrival_of_a_higher_priority_is_served_next() -> None:
    candidates = Candidates()
    candidates.fill([job(n) for n in range(10)])
    assert next_of(candidates, 0) == job(0)
    candidates.arrive(job(77, priority=0))
    candidates.arrive(job(88, priority=9))
    assert next_of(candidates, 0) == job(77, priority=0)
    assert drained(candidates) == [*(job(n) for n in range(1, 10)), job(88, priority=9)]


def test_losers_step_aside_but_serve_what_they_passed_within_a_second() -> None:
    candidates = Candidates(random.Random(1))
    everything = [job(n) for n in range(1000)]
    candidates.fill(everything)
    tried = []
    for _ in range(2):
        tried.append(next_of(candidates, 0.0))
        candidates.lost(0.0)
    aside = next_of(candidates, 0.1)
    assert aside is not None
    assert aside > everything[2]
    assert next_of(candidates, FRONT_SECONDS) == everything[2]
    rest = drained(candidates, FRONT_SECONDS)
    assert sorted([*tried, aside, everything[2], *rest]) == everything


@given(st.lists(st.booleans(), max_size=300), st.integers(0, 10**6))
def test_however_races_end_every_name_is_tried_exactly_once(losses: list[bool], seed: int) -> None:
    everything = [job(n, priority=n % 3) for n in range(100)]
    candidates = Candidates(random.Random(seed))
    candidates.fill(everything)
    tried = []
    for turn, loses in enumerate([*losses, *[False] * 400]):
        name = next_of(candidates, turn * 0.05)
        if name is None:
            break
        tried.append(name)
        if loses:
            candidates.lost(turn * 0.05)
        else:
            candidates.won()
    assert sorted(tried) == sorted(everything)


@given(st.integers(0, 10**6))
def test_stepping_aside_never_skips_a_higher_priority(seed: int) -> None:
    candidates = Candidates(random.Random(seed))
    candidates.fill([job(n, priority=1) for n in range(20)] + [job(n) for n in range(20, 99)])
    for _ in range(5):
        name = next_of(candidates, 0.0)
        assert name is not None
        assert name.startswith("1-")
        candidates.lost(0.0)


def test_after_a_run_of_losses_a_new_listing_is_wanted() -> None:
    candidates = Candidates()
    candidates.fill([job(n) for n in range(100)])
    for _ in range(RELIST_AFTER_LOSSES):
        assert not candidates.worn_out
        next_of(candidates, 0.0)
        candidates.lost(0.0)
    assert candidates.worn_out
    candidates.won()
    assert not candidates.worn_out


def test_foreign_thing_found_behind_a_name_is_skipped_in_later_listings() -> None:
    candidates = Candidates()
    candidates.fill([job(1), job(2)])
    candidates.skip_foreign(job(1))
    candidates.fill([job(1), job(2), job(3)])
    assert drained(candidates) == [job(2), job(3)]
    candidates.fill([job(2)])
    candidates.fill([job(1)])  # it went away, and came back as something else
    assert drained(candidates) == [job(1)]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99_999)), unique=True, max_size=80),
    st.integers(1, 30),
    st.integers(1, 20),
)
def test_of_a_long_listing_the_first_are_served_in_order_and_nothing_beyond_the_cut(
    given_jobs: list[tuple[int, int]], most: int, chunk: int
) -> None:
    listed = [job(number, priority) for priority, number in given_jobs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spoolq.holding.candidates.CHUNK", chunk)
        candidates = Candidates(most_kept=most)
        candidates.skip_foreign(foreign := job(123_456))
        candidates.fill([*listed, foreign, "README"])
        candidates.arrive(job(999_999, priority=9))
    whole, kept = sorted(listed), drained(candidates)
    if len(whole) > most:
        assert kept == whole[:most]
    else:
        assert kept == [*whole, job(999_999, priority=9)]


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.booleans()), max_size=200),
    st.integers(0, 10**6),
)
def test_in_runs_too_every_name_is_tried_exactly_once(
    runs: list[tuple[int, int, bool]], seed: int
) -> None:
    everything = [job(n, priority=n % 3) for n in range(150)]
    candidates = Candidates(random.Random(seed))
    candidates.fill(everything[:100])
    arriving = iter(everything[100:])
    tried, now = [], 0.0
    for most, wins, loses in [*runs, *[(9, 9, False)] * 400]:
        now += 0.05
        if loses and (name := next(arriving, None)):
            candidates.arrive(name)
        few = candidates.next_few(now, most)
        assert len(few) <= most
        tried += few[: wins + 1]
        if few[wins + 1 :]:
            candidates.untried(few[wins + 1 :], now)
        if loses and few[wins:]:
            candidates.lost(now)
    left = list(arriving)
    assert sorted([*tried, *left]) == sorted(everything)


def test_run_ends_where_something_that_arrived_comes_first() -> None:
    candidates = Candidates()
    candidates.fill([job(n) for n in range(0, 20, 2)])
    candidates.arrive(job(5))
    assert candidates.next_few(0, 64) == [job(0), job(2), job(4)]
    assert candidates.is_listed
    assert candidates.next_few(0, 64) == [job(5)]
    assert not candidates.is_listed
    assert candidates.next_few(0, 2) == [job(6), job(8)]


def test_what_was_not_tried_comes_next_or_soon_when_another_thread_went_on() -> None:
    candidates = Candidates()
    candidates.fill([job(n) for n in range(10)])
    first = candidates.next_few(0, 4)
    candidates.untried(first[1:], 0)
    assert candidates.next_few(0, 2) == [job(1), job(2)]
    mine, others = candidates.next_few(0, 3), candidates.next_few(0, 3)
    assert others == [job(6), job(7), job(8)]
    candidates.untried(mine[1:], 0)
    assert next_of(candidates, 0) == job(9)
    assert drained(candidates) == mine[1:]
    candidates.fill([job(20)])
    candidates.untried([job(11)], 0)  # of a listing before
    assert drained(candidates) == [job(11), job(20)]
