"""How `wait` looks at a spool again and again: adaptively, never busy, never fooled by a move."""

from __future__ import annotations

import random
import time

from spoolq.jobs import JobStatus
from spoolq.queue import internals
from spoolq.verbs import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.queue import Spool

SHORTEST_PAUSE = 0.02
LONGEST_PAUSE = 1.0


class Watch:
    """Pauses between looks: a tenth of the time waited so far, and ten times what a look costs."""

    def __init__(self, timeout: float | None) -> None:
        self._until = None if timeout is None else time.monotonic() + timeout
        self.begin()

    def begin(self) -> None:
        """Something new is waited for: look often again."""
        self._begun = self._looked_from = time.monotonic()

    def pause(self) -> bool:
        """Sleep until the next look is due; False when the time to wait is over."""
        now = time.monotonic()
        if self._until is not None and now >= self._until:
            return False
        look_seconds = now - self._looked_from
        seconds = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, (now - self._begun) / 10))
        # Many waiters on one file server must not fall into step.
        seconds = max(seconds, look_seconds * 10) * random.uniform(0.8, 1.2)  # noqa: S311
        if self._until is not None:
            seconds = min(seconds, self._until - now)
        time.sleep(seconds)
        self._looked_from = time.monotonic()
        return True


def is_quiet(spool: Spool) -> bool:
    """Whether no job is ready, leased or delayed."""
    return listing.is_quiet(internals(spool))


def cancelled_ids(spool: Spool) -> set[str]:
    """The cancelled jobs that are kept."""
    return {job.id for job in spool.list(JobStatus.DONE) if job.outcome == "cancelled"}


def failed_count(spool: Spool) -> int:
    """How many jobs are in failed/."""
    return sum(1 for _ in spool.list(JobStatus.FAILED))
