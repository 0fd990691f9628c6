"""What one look at a spool found, as plain values: counts, ages, leases, workers, room. No I/O.

Times are seconds since 1970 of the file server's clock; lengths of time are seconds.
"""

from __future__ import annotations

from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.rules.crew import Worker
    from spoolq.rules.room import Room


class Leases(NamedTuple):
    """The leases that cover tasks now.

    `oldest_seconds` is the age of the oldest, `expired` counts those past their deadline (the
    worst by `overdue_seconds`), `unread` those whose sidecar tells nothing. With very many
    leases only `looked_at` of them were read.
    """

    total: int = 0
    looked_at: int = 0
    oldest_seconds: float | None = None
    expired: int = 0
    overdue_seconds: float = 0.0
    unread: int = 0


class Recent(NamedTuple):
    """What ended in the last `seconds`: jobs done, cancelled and failed, and attempts gone wrong.

    `is_exact` is false where a sample was scaled up.
    """

    seconds: float
    done: int = 0
    failed: int = 0
    troubles: int = 0
    is_exact: bool = True

    def per_minute(self, count: int) -> float:
        """A count of this stretch of time as a rate."""
        return count * 60.0 / self.seconds


class Paused(NamedTuple):
    """Why nothing is given out, where that is told: reason, by whom, since when."""

    reason: str
    by: str | None = None
    at: float | None = None


class Overview(NamedTuple):
    """One look at a spool.

    Attributes:
        at: when, by the file server's clock.
        counts: jobs in ready, leased, delayed, done and failed.
        overdue: delayed jobs whose time has come, the worst by `overdue_seconds`.
        next_due_at: when the next delayed job comes.
        clock_offset_seconds: how far this host's clock is ahead of the server's; None: not asked.
    """

    path: str
    at: float
    counts: dict[str, int]
    oldest_ready_seconds: float | None
    recent: Recent
    leases: Leases = Leases()
    overdue: int = 0
    overdue_seconds: float = 0.0
    next_due_at: float | None = None
    workers: tuple[Worker, ...] = ()
    paused: Paused | None = None
    room: Room | None = None
    clock_offset_seconds: float | None = None

    @property
    def alive(self) -> list[Worker]:
        """The workers that were heard of lately."""
        return [worker for worker in self.workers if worker.is_alive(self.at)]
