"""Workers as their heartbeat records tell of them. No I/O.

A worker writes a new record every few seconds; one whose newest record is old counts as gone.
"""

from __future__ import annotations

from spoolq.rules import records
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BEATS_UNTIL_GONE = 3


class Running(NamedTuple):
    """A job that a worker runs: attempt, lease, since when (server seconds), its command if told."""

    id: str
    attempt: int
    lease: str | None
    started_at: float | None
    command: str | None


class Worker(NamedTuple):
    """A worker by its newest record; times in server seconds, `done` and `failed` since it began."""

    name: str
    host: str
    pid: int
    slots: int
    since: float | None
    at: float
    every_seconds: float
    is_draining: bool
    done: int
    failed: int
    running: tuple[Running, ...]
    busy: int
    """Jobs that it runs: more than `running` tells of where a record has no room for all."""

    def is_alive(self, now: float) -> bool:
        """Whether it was heard of lately."""
        return now - self.at <= BEATS_UNTIL_GONE * self.every_seconds


def worker_of(name: str, record: dict[str, Any] | None) -> Worker | None:
    """A worker's record as values; None when it tells neither when it was written nor how often."""
    told = record or {}
    at, every = records.from_iso(told.get("at")), told.get("every_seconds")
    if (
        at is None
        or isinstance(every, bool)
        or not isinstance(every, (int, float))
        or not 0 < every < 1e9
    ):
        return None
    running = told.get("running")
    jobs = [_running(job) for job in running] if isinstance(running, list) else []
    told_jobs = tuple(job for job in jobs if job is not None)
    return Worker(
        name=name,
        host=_text(told.get("host")) or "unknown",
        pid=_count(told.get("pid")),
        slots=_count(told.get("slots")),
        since=records.from_iso(told.get("since")),
        at=at,
        every_seconds=float(every),
        is_draining=told.get("draining") is True,
        done=_count(told.get("done")),
        failed=_count(told.get("failed")),
        running=told_jobs,
        busy=max(_count(told.get("running_count")), len(told_jobs)),
    )


def _running(told: object) -> Running | None:
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return None
    return Running(
        id=told["id"],
        attempt=_count(told.get("attempt")),
        lease=_text(told.get("lease")),
        started_at=records.from_iso(told.get("started_at")),
        command=_command(told.get("command")),
    )


def _command(told: object) -> str | None:
    if isinstance(told, list):
        return " ".join(str(word) for word in told)
    return _text(told)


def _count(value: object) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1e15
    return value if is_count else 0  # type: ignore[return-value]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
