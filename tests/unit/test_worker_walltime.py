"""How long a worker may work, by what it is told and what Slurm says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from spoolq.worker.limits import ENDING_SECONDS, limits_of, stop_after_signal
from spoolq.worker.options import WorkOptions
from spoolq.worker.walltime import Unknown, seconds_left_in_slurm, seconds_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = 1_795_608_000.0  # 2026-11-25T12:00:00Z


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """TZ may be set; the C library follows."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12:30", 1800),
        ("12:00:01", 1),
        ("12:00", 86400),  # not now: the next one
        ("9:15", 86400 - 9900),
        ("2026-11-25T13:00", 3600),
        ("2026-11-25 13:00:00", 3600),
        ("2026-11-25T13:00:00+02:00", -3600),
        ("2026-11-25T12:00:00Z", 0),
        ("2026-11-26", 43200),
    ],
)
def test_until_a_time(zone: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    assert seconds_until(text, NOON) == seconds


@pytest.mark.parametrize("text", ["", "soon", "24:00", "12:60", "1h", "2026-13-01", "٣:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert seconds_until(text, NOON) is None


def test_the_same_hour_of_tomorrow_also_when_clocks_are_changed(zone: pytest.MonkeyPatch) -> None:
    zone.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    before_the_change = 1_792_841_400.0  # 2026-10-24T13:30:00 there, winter time comes at night
    assert seconds_until("13:00", before_the_change) == 24 * 3600 - 1800 + 3600


def never_asked(job: str) -> str:
    raise AssertionError(f"asked about {job}")


def test_outside_of_slurm_nothing_is_asked() -> None:
    assert seconds_left_in_slurm({}, NOON, never_asked) is None
    assert seconds_left_in_slurm({"SLURM_JOB_ID": "x;y"}, NOON, never_asked) is None


def test_a_slurm_that_sets_the_end_is_not_asked() -> None:
    environment = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": f"{NOON + 90:.0f}"}
    assert seconds_left_in_slurm(environment, NOON, never_asked) == 90


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ("7 1:00\n", 60),
        ("8 2:00\n7 0:01\n", 1),
        ("7 23:59:59\n", 86399),
        ("7 2-01:00:00\n", 176400),
        ("7 UNLIMITED\n", None),
    ],
)
def test_else_squeue_tells_what_is_left(answer: str, seconds: float | None) -> None:
    assert seconds_left_in_slurm({"SLURM_JOB_ID": "7"}, NOON, lambda _: answer) == seconds


@pytest.mark.parametrize("answer", ["", "8 1:00\n", "7\n", "7 later\n"])
def test_an_answer_that_says_nothing_is_told(answer: str) -> None:
    with pytest.raises(Unknown, match="squeue"):
        seconds_left_in_slurm({"SLURM_JOB_ID": "7"}, NOON, lambda _: answer)


def test_a_squeue_that_is_missing_or_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unknown, match="squeue: No such file"):
        seconds_left_in_slurm({"SLURM_JOB_ID": "7"}, NOON)


def test_commands_are_stopped_early_enough_and_none_begun_that_cannot_finish() -> None:
    limits = limits_of(WorkOptions(stop_by=1000.0, grace_seconds=10.0, min_seconds=300.0))
    assert limits.stop_at == 1000.0 - 10.0 - ENDING_SECONDS
    assert limits.take_until == limits.stop_at - 300.0


@pytest.mark.parametrize(
    ("drain", "stop_at", "stops_at"),
    [
        (None, float("inf"), float("inf")),
        (20.0, float("inf"), 1020.0),
        (20.0, 1010.0, 1010.0),
        (20.0, 1120.0, 1120.0),  # the signal announces this end
        (20.0, 1121.0, 1020.0),
    ],
)
def test_a_signal_leaves_commands_this_long(
    drain: float | None, stop_at: float, stops_at: float
) -> None:
    assert stop_after_signal(drain, stop_at, 1000.0) == stops_at
