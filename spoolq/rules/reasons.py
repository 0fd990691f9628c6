"""Why a job does not run: reasons, from what is known of it and of its spool. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from spoolq.rules.crew import Worker
    from spoolq.rules.overview import Paused

RUNNING, NEXT, WAITING, ENDED, FAILED, UNKNOWN = (
    "running",
    "next",
    "waiting",
    "ended",
    "failed",
    "unknown",
)
"""Verdicts: it runs; nothing stands in its way; it has to wait; it is done; it will not run."""
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Situation:
    """A job and what surrounds it; times in server seconds.

    Attributes:
        state: its directory, or "" for an unknown job; `outcome` once it has ended.
        attempts: those counted so far; the running one included.
        due: when a delayed job comes; `deadline` when its lease ends (None: not to be told).
        before: jobs in ready/ that come first.
        held: leases that are not over; with workers they tell whether anybody takes jobs.
        per_minute: how many jobs ended lately.
    """

    now: float
    state: str
    outcome: str | None = None
    attempts: int = 0
    reason: str | None = None
    due: float | None = None
    deadline: float | None = None
    owner: str | None = None
    host: str | None = None
    pid: int | None = None
    paused: Paused | None = None
    before: int = 0
    workers: tuple[Worker, ...] = ()
    held: int = 0
    per_minute: float = 0.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its name for programs, and its facts (times in server seconds)."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


def verdict(at: Situation) -> str:
    """One word for how the job stands."""
    if not at.state:
        return UNKNOWN
    if at.outcome is not None:
        return ENDED if at.outcome == "done" else FAILED
    if at.state == "leased":
        return WAITING if _is_over(at) else RUNNING
    return WAITING if any(reasons(at)) else NEXT


def reasons(at: Situation) -> Iterator[Reason]:
    """What stands in the job's way, or holds it, the nearest first."""
    if at.outcome is not None or not at.state:
        return
    if at.state == "leased":
        yield from _held(at)
        return
    if at.state == "delayed":
        yield from _delayed(at)
    if at.paused is not None:
        told = {"why": at.paused.reason or None, "by": at.paused.by, "at": at.paused.at}
        yield Reason("paused", told)
    if at.state == "ready" and at.before:
        seconds = 60 * at.before / at.per_minute if at.per_minute else None
        yield Reason("behind", {"jobs": at.before, "seconds": seconds})
    yield from _takers(at)


def _is_over(at: Situation) -> bool:
    return at.deadline is not None and at.now >= at.deadline


def _held(at: Situation) -> Iterator[Reason]:
    told = {"owner": at.owner, "host": at.host, "pid": at.pid, "until": at.deadline}
    yield Reason("expired" if _is_over(at) else "held", told)


def _delayed(at: Situation) -> Iterator[Reason]:
    if at.due is None:
        return
    told = {"until": at.due, "attempts": at.attempts, "why": at.reason}
    if at.due > at.now:
        yield Reason("back-off" if at.attempts else "delayed", told)
    elif at.now - at.due > PATIENCE_SECONDS:
        # Consumers promote what is due; if none does, none is looking.
        yield Reason("overdue", told)


def _takers(at: Situation) -> Iterator[Reason]:
    alive = [worker for worker in at.workers if worker.is_alive(at.now)]
    taking = [worker for worker in alive if not worker.is_draining]
    slots = sum(worker.slots for worker in taking)
    busy = sum(worker.busy for worker in taking)
    told = {"workers": len(alive), "slots": slots, "busy": busy, "leases": at.held}
    if not alive and not at.held and not at.per_minute:
        yield Reason("no workers", told)
    elif alive and not taking and not at.held:
        yield Reason("draining", told)
    elif taking and busy >= slots:
        yield Reason("all busy", told)
