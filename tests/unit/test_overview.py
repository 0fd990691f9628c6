"""What needs a look, what monitoring is told, and samples: rules on made-up overviews."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.rules import health, thresholds
from spoolq.rules.crew import worker_of
from spoolq.rules.overview import Leases, Overview, Paused, Recent
from spoolq.rules.room import Room
from spoolq.rules.sampling import EvenSample

GIB = 1024**3
QUIET = Overview(
    path="/shared/spool",
    at=1000.0,
    counts=dict.fromkeys(("ready", "leased", "delayed", "done", "failed"), 0),
    oldest_ready_seconds=None,
    recent=Recent(300.0),
    room=Room(500 * GIB, 1000 * GIB, 10**7, 10**8),
    clock_offset_seconds=0.1,
)
WAITING = QUIET._replace(counts={**QUIET.counts, "ready": 3}, oldest_ready_seconds=90.0)


def names_of(seen: Overview) -> list[tuple[str, str]]:
    return [(finding.name, finding.level) for finding in health.needs_a_look(seen)]


def test_an_idle_spool_needs_no_look() -> None:
    assert names_of(QUIET) == []


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, [("nobody takes", "critical")]),
        ({"oldest_ready_seconds": 30.0}, []),
        ({"paused": Paused("")}, []),
        ({"leases": Leases(total=1)}, []),
        ({"leases": Leases(total=1, expired=1, overdue_seconds=5)}, [("nobody takes", "critical")]),
        ({"recent": Recent(300.0, done=1)}, []),
    ],
)
def test_waiting_tasks_need_a_taker_unless_something_says_there_is_one(
    change: dict, wanted: list
) -> None:
    assert names_of(WAITING._replace(**change)) == wanted


@pytest.mark.parametrize(
    ("room", "wanted"),
    [
        (Room(500 * GIB, 1000 * GIB, 0, 0), []),
        (Room(40 * GIB, 1000 * GIB, 0, 0), []),
        (Room(10 * GIB, 1000 * GIB, 0, 0), [("room", "warning")]),
        (Room(1 * GIB, 1000 * GIB, 0, 0), [("room", "critical")]),
        (Room(1 * GIB, 2 * GIB, 0, 0), []),
        (Room(500 * GIB, 1000 * GIB, 1000, 10**7), [("room", "critical")]),
        (Room(0, 0, 0, 0), []),
    ],
)
def test_room_is_low_when_share_and_amount_are_small(room: Room, wanted: list) -> None:
    assert names_of(QUIET._replace(room=room)) == wanted


def test_failures_need_a_look_when_they_are_more_than_a_few_percent() -> None:
    assert names_of(QUIET._replace(recent=Recent(300.0, done=100, failed=1))) == []
    assert names_of(QUIET._replace(recent=Recent(300.0, done=10, failed=1))) == [
        ("failing", "warning")
    ]


def test_what_falls_due_and_nobody_moves_needs_a_look() -> None:
    assert names_of(QUIET._replace(overdue=1, overdue_seconds=61.0)) == [("overdue", "warning")]
    assert names_of(QUIET._replace(overdue=1, overdue_seconds=2.0)) == []
    late = Leases(total=2, expired=1, overdue_seconds=100.0, unread=1)
    assert names_of(QUIET._replace(leases=late)) == [
        ("expired leases", "warning"),
        ("unreadable leases", "warning"),
    ]


@pytest.mark.parametrize(("offset", "count"), [(None, 0), (1.9, 0), (-2.1, 1), (7200.0, 1)])
def test_a_clock_that_is_off_needs_a_look(offset: float | None, count: int) -> None:
    assert len(names_of(QUIET._replace(clock_offset_seconds=offset))) == count


def test_the_worst_comes_first() -> None:
    seen = WAITING._replace(clock_offset_seconds=60.0)
    assert [level for _, level in names_of(seen)] == ["critical", "warning"]


def test_every_figure_has_a_meaning_and_a_value() -> None:
    assert list(thresholds.FIGURES) == list(thresholds.MEANINGS)
    assert list(thresholds.figures(QUIET)) == list(thresholds.FIGURES)
    blind = QUIET._replace(room=None, clock_offset_seconds=None)
    assert set(thresholds.FIGURES) - set(thresholds.figures(blind)) == {"disk", "inodes", "clock"}


def test_critical_wins_over_warning_and_both_over_unknown() -> None:
    blind = WAITING._replace(room=None, oldest_ready_seconds=1.0)
    assert thresholds.judge(blind, {}, {"disk": 5.0}).state == thresholds.UNKNOWN
    assert thresholds.judge(blind, {"ready": 1}, {"disk": 5.0}).state == thresholds.WARNING
    assert thresholds.judge(blind, {"ready": 1}, {"ready": 2}).state == thresholds.CRITICAL
    assert thresholds.judge(blind, {"ready": 3}, {}).state == thresholds.OK
    assert thresholds.judge(blind._replace(paused=Paused("x")), {}, {}).reasons == ["paused: x"]


def test_limits_of_figures_where_less_is_worse_are_ranges() -> None:
    told = thresholds.performance(QUIET, {"workers": 2}, {"ready": 10})
    assert "workers=0;2:;;0" in told
    assert "ready=0;;10;0" in told
    assert "disk=50%;;;0" in told


@given(st.integers(0, 5000), st.integers(1, 64), st.integers(1, 700))
def test_a_sample_is_small_even_and_scales_back(count: int, most: int, chunk: int) -> None:
    sample = EvenSample(most)
    for start in range(0, count, chunk):
        sample.extend([str(number) for number in range(start, min(count, start + chunk))])
    assert sample.seen == count
    assert len(sample.names) <= most
    assert sample.is_whole == (count <= most)
    numbers = [int(name) for name in sample.names]
    steps = {after - before for before, after in pairwise(numbers)}
    assert len(steps) <= 1
    assert sample.scaled(len(sample.names)) == count
    assert sample.scaled(0) == 0


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)

FIELDS = ("host", "pid", "slots", "since", "draining", "done", "failed", "running")


@given(
    st.fixed_dictionaries(
        {"at": st.just("2026-11-24T09:30:00Z"), "every_seconds": st.just(10) | JUNK},
        optional=dict.fromkeys(FIELDS, JUNK),
    )
)
def test_a_hostile_worker_record_is_a_worker_or_nothing(record: dict) -> None:
    worker = worker_of("w", record)
    if worker is not None:
        assert worker.slots >= 0
        assert isinstance(worker.is_alive(worker.at), bool)


def test_a_worker_counts_as_gone_after_three_missed_beats() -> None:
    worker = worker_of("w", {"at": "1970-01-01T00:01:00Z", "every_seconds": 10})
    assert worker is not None
    assert worker.is_alive(90.0)
    assert not worker.is_alive(90.5)
