"""What the screen shows, gathered in one go: an overview, what runs, what went wrong lately."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from spoolq.jobs import JobStatus
from spoolq.looking import recent
from spoolq.looking.overview import Lookout
from spoolq.queue import internals
from spoolq.rules import records
from spoolq.rules.health import needs_a_look
from spoolq.verbs import listing, logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool
    from spoolq.rules.health import Finding
    from spoolq.rules.overview import Overview

MOST_RUNNING, MOST_FAILURES, FAILURES_SECONDS = 200, 50, 86400.0
RATES_KEPT = 120
MOST_LOG_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Running:
    """A job under a lease: seconds since it was taken where that is known, and until its deadline."""

    id: str
    attempt: int
    owner: str
    seconds: float | None
    left_seconds: float | None
    command: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that went wrong, so many seconds ago."""

    id: str
    attempt: int
    what: str
    ago_seconds: float
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look; `rates` are jobs ended a second, the latest last."""

    overview: Overview
    findings: list[Finding]
    running: list[Running]
    failures: list[Failure]
    rates: list[float]


class Feed:
    """Looks at a spool again and again, one look at a time."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._lookout = Lookout(internals(spool))
        self._rates: deque[float] = deque([0.0], maxlen=RATES_KEPT)
        self._before: Overview | None = None
        self._lock = threading.Lock()

    def look(self) -> Snapshot:
        """The spool as it is now.

        Raises:
            OSError: the file system refused.
        """
        with self._lock:
            seen = self._lookout.look()
            self._note_rate(seen)
            running = list(islice(self._running(seen), MOST_RUNNING))
            failures = list(self._failures(seen.at))
            return Snapshot(seen, needs_a_look(seen), running, failures, list(self._rates))

    def _note_rate(self, seen: Overview) -> None:
        before, self._before = self._before, seen
        if before is None or seen.at <= before.at:
            return
        ended = sum(seen.counts[state] - before.counts[state] for state in ("done", "failed"))
        # Pruned and retried jobs make it less; nobody ends less than nothing.
        self._rates.append(max(0, ended) / (seen.at - before.at))

    def _running(self, seen: Overview) -> Iterator[Running]:
        told = {job.id: job for worker in seen.workers for job in worker.running}
        for job in listing.each(internals(self.spool), JobStatus.PROCESSING):
            known = told.get(job.id)
            started = known.started_at if known else None
            yield Running(
                job.id,
                job.attempt,
                job.owner or "unknown",
                None if started is None else max(0.0, seen.at - started),
                None if job.deadline is None else _seconds_to(job, seen.at),
                (known.command or "") if known else "",
            )

    def _failures(self, now: float) -> Iterator[Failure]:
        inside = internals(self.spool)
        names = recent.newest_events(inside, now - FAILURES_SECONDS)
        events = (e for e in recent.events_of(inside, names) if e.get("event") in recent.TROUBLES)
        for event in islice(events, MOST_FAILURES):
            yield _failure(event, now)

    def log_of(self, job_id: str) -> str:
        """The end of what the latest run of a job wrote, its errors after its output."""
        inside = internals(self.spool)
        found = logs.of_job(inside, job_id)
        texts = []
        for log in (log for log in found if log.run == found[-1].run):
            start = max(0, log.size - MOST_LOG_BYTES)
            data = logs.read(inside, log.name, start, MOST_LOG_BYTES)
            title = f"--- std{log.name.stream}, attempt {log.name.attempt}"
            texts.append(f"{title}\n{data.decode('utf-8', 'backslashreplace')}")
        return "\n".join(texts) or "nothing was written (yet)"


def _seconds_to(job: JobInfo, now: float) -> float:
    assert job.deadline is not None  # noqa: S101
    return job.deadline.timestamp() - now


def _failure(event: dict[str, Any], now: float) -> Failure:
    at = records.from_iso(event.get("at"))
    attempt = event.get("attempt")
    return Failure(
        str(event.get("id")),
        attempt if isinstance(attempt, int) else 0,
        str(event.get("event")),
        max(0.0, now - at) if at is not None else 0.0,
        str(event.get("owner") or ""),
        str(event.get("reason") or ""),
    )
