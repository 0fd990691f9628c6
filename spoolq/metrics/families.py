"""Metric families: an overview and a tally in the words and units that Prometheus users expect."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from spoolq.metrics.tally import BOUNDS
from spoolq.rules import health
from spoolq.rules.journal import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spoolq.metrics.tally import Histogram, Tally
    from spoolq.rules.crew import Worker
    from spoolq.rules.overview import Overview

UNTIL = "spoolq_counted_until_timestamp_seconds"


def of_overview(seen: Overview, look_seconds: float, version: str) -> Iterator[Any]:
    """The gauges of one look."""
    make = _Maker(seen.path)
    yield make.info("spoolq", "The spoolq that looked.", version=version)
    jobs = seen.counts.items()
    yield make.gauge("jobs", "Jobs in each state.", [((state,), n) for state, n in jobs], "state")
    if seen.oldest_ready_seconds is not None:
        text = "Age of the oldest waiting job."
        yield make.one("oldest_ready_age_seconds", text, seen.oldest_ready_seconds)
    leases = seen.leases
    yield make.one("leases", "Leases that cover jobs.", leases.total)
    if leases.oldest_seconds is not None:
        yield make.one(
            "oldest_lease_age_seconds", "Age of the oldest lease.", leases.oldest_seconds
        )
    yield make.one("expired_leases", "Leases past their deadline.", leases.expired)
    yield make.one("overdue_jobs", "Delayed jobs whose time has come.", seen.overdue)
    yield make.one("paused", "1 while the spool is paused.", float(seen.paused is not None))
    yield from _crew(make, seen)
    yield from _room(make, seen)
    if seen.clock_offset_seconds is not None:
        text = "How far this host's clock is ahead of the file server's."
        yield make.one("clock_offset_seconds", text, seen.clock_offset_seconds)
    found = [((one.name, one.level), 1.0) for one in health.needs_a_look(seen)]
    text = "Findings of `spoolq status` that need a look, 1 each."
    yield make.gauge("needs_a_look", text, found, "name", "level")
    yield make.one("look_duration_seconds", "How long the look at the spool took.", look_seconds)
    yield make.one("look_timestamp_seconds", "When the spool was looked at.", seen.at)


def of_tally(path: str, tally: Tally) -> Iterator[Any]:
    """The counters and histograms."""
    make = _Maker(path)
    counts = [((outcome,), float(tally.attempts[outcome])) for outcome in OUTCOMES]
    yield make.counter("attempts", "Attempts that ended.", counts, "outcome")
    yield make.histogram(
        "attempt_duration_seconds",
        "How long attempts took.",
        {(outcome,): tally.durations[outcome] for outcome in OUTCOMES},
        "outcome",
    )
    text = "How long jobs waited from being published until their first attempt."
    yield make.histogram("wait_duration_seconds", text, {(): tally.waits})
    yield make.one(UNTIL.removeprefix("spoolq_"), "Attempts are counted up to here.", tally.until)


def up(path: str, *, is_up: bool) -> Any:
    """Whether the spool could be looked at."""
    return _Maker(path).one("up", "1 when the spool could be looked at.", float(is_up))


def _crew(make: _Maker, seen: Overview) -> Iterator[Any]:
    states = dict.fromkeys(("alive", "draining", "gone"), 0)
    slots: dict[str, float] = {}
    busy: dict[str, float] = {}
    for worker in seen.workers:
        states[_state(worker, seen.at)] += 1
        if worker.is_alive(seen.at):
            slots[worker.host] = slots.get(worker.host, 0) + worker.slots
            busy[worker.host] = busy.get(worker.host, 0) + worker.busy
    told = [((state,), float(count)) for state, count in states.items()]
    yield make.gauge("workers", "Workers by what their heartbeats tell.", told, "state")
    for name, text, counts in (
        ("worker_slots", "Slots of the workers that are alive.", slots),
        ("worker_busy_slots", "Slots that run a job.", busy),
    ):
        yield make.gauge(name, text, [((host,), n) for host, n in counts.items()], "host")


def _state(worker: Worker, now: float) -> str:
    if not worker.is_alive(now):
        return "gone"
    return "draining" if worker.is_draining else "alive"


def _room(make: _Maker, seen: Overview) -> Iterator[Any]:
    room = seen.room
    if room is None:
        return
    yield make.one("filesystem_free_bytes", "Free on the spool's file system.", room.free_bytes)
    yield make.one("filesystem_size_bytes", "Size of the spool's file system.", room.size_bytes)
    if room.inodes:
        yield make.one("filesystem_free_inodes", "Free inodes there.", room.free_inodes)
        yield make.one("filesystem_inodes", "Inodes there.", room.inodes)


class _Maker:
    """Makes families whose names begin with `spoolq_` and whose samples name the spool."""

    def __init__(self, path: str) -> None:
        # What is no UTF-8 could not be written down.
        self._path = path.encode("utf-8", "backslashreplace").decode()

    def _labels(self, values: Sequence[str]) -> list[str]:
        return [self._path, *(v.encode("utf-8", "backslashreplace").decode() for v in values)]

    def one(self, name: str, text: str, value: float) -> Any:
        return self.gauge(name, text, [((), float(value))])

    def gauge(
        self, name: str, text: str, values: Sequence[tuple[Sequence[str], float]], *labels: str
    ) -> Any:
        family = GaugeMetricFamily(f"spoolq_{name}", text, labels=["spool", *labels])
        for label_values, value in values:
            family.add_metric(self._labels(label_values), value)
        return family

    def counter(
        self, name: str, text: str, values: Sequence[tuple[Sequence[str], float]], *labels: str
    ) -> Any:
        family = CounterMetricFamily(f"spoolq_{name}", text, labels=["spool", *labels])
        for label_values, value in values:
            family.add_metric(self._labels(label_values), value)
        return family

    def histogram(
        self, name: str, text: str, values: dict[tuple[str, ...], Histogram], *labels: str
    ) -> Any:
        family = HistogramMetricFamily(f"spoolq_{name}", text, labels=["spool", *labels])
        bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        for label_values, histogram in values.items():
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            family.add_metric(self._labels(label_values), buckets, histogram.total)
        return family

    def info(self, name: str, text: str, **values: str) -> Any:
        family = InfoMetricFamily(name, text, labels=["spool"])
        family.add_metric([self._path], values)
        return family
