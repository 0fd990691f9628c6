"""What callers are told about jobs and spools: frozen values. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime


class JobStatus(IntEnum):
    """Where a job is in its life. Cancelled jobs are DONE (their outcome says "cancelled")."""

    UNKNOWN = 0
    PROCESSING = 1
    DONE = 2
    READY = 3
    DELAYED = 4
    FAILED = 5


@dataclass(frozen=True, slots=True)
class JobInfo:
    """One job as it stood at one instant. Times are aware UTC datetimes of the file server's clock.

    Attributes:
        id: the job's id, as `publish` returned it (or as it was asked for, when UNKNOWN).
        status: where the job is.
        reschedules: attempts counted so far (expired and failed ones; releases do not count).
        next_execution_at: the lease's deadline when PROCESSING, the due time when DELAYED, else None.
        priority: 0 (first) to 9 (last); None when UNKNOWN.
        published_at: when it was published; None when UNKNOWN.
        attempt: the number of the attempt running now, or of the last one; 0 when never given out.
        owner: who holds it when PROCESSING, who ended it where a record says so, else None.
        deadline: the end of the current lease when PROCESSING, else None.
        outcome: "done", "cancelled" or "failed" once it has ended, else None.
        reason: why it failed last, was cancelled or gave up, where known.
    """

    id: str
    status: JobStatus
    reschedules: int = 0
    next_execution_at: datetime | None = None
    priority: int | None = None
    published_at: datetime | None = None
    attempt: int = 0
    owner: str | None = None
    deadline: datetime | None = None
    outcome: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How many jobs are in each state, the age of the oldest waiting one, and whether all is paused.

    `paused` is the reason given (possibly ""), or None when the spool is not paused.
    """

    ready: int
    leased: int
    delayed: int
    done: int
    failed: int
    oldest_ready_seconds: float | None
    paused: str | None


@dataclass(frozen=True, slots=True)
class ReapReport:
    """What one reap pass moved: counts of jobs (returned, promoted, failed) and leftovers (swept)."""

    returned: int = 0
    promoted: int = 0
    failed: int = 0
    swept: int = 0


@dataclass(frozen=True, slots=True)
class PruneReport:
    """How many ended jobs one prune removed."""

    removed: int = 0
