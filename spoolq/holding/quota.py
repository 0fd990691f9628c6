"""The quotas of a spool that has some: counting what waits, and waiting for room."""

from __future__ import annotations

import threading

from spoolq.errors import Closed, Full
from spoolq.rules.quota import COUNTING_SHARE, Limits
from spoolq.verbs import waiting_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

LOOK_AGAIN_SECONDS = 0.25


class Quota:
    """max_waiting and max_bytes, held by what was counted a short while ago."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._local = spool.clock.local
        self._limits = Limits(spool.settings.max_waiting, spool.settings.max_bytes)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._good_until: float | None = None
        self._counted_at = self._cost = 0.0
        self._jobs = self._size = 0

    def close(self) -> None:
        """Wake everybody who waits for room; they get Closed."""
        self._closing.set()

    def admit(self, jobs: int, size: int, timeout: float | None) -> None:
        """As `Intake.admit`."""
        never = self._limits.why_never(jobs, size)
        if never is not None:
            raise Full(self._spool.fs.root, never)
        give_up_at = None if timeout is None else self._local() + timeout
        while (why := self._why_full(jobs, size)) is not None:
            left = LOOK_AGAIN_SECONDS if give_up_at is None else give_up_at - self._local()
            if left <= 0:
                raise Full(self._spool.fs.root, why)
            if self._closing.wait(min(left, LOOK_AGAIN_SECONDS)):
                raise Closed("this Spool is closed")

    def _why_full(self, jobs: int, size: int) -> str | None:
        """None when there is room; it is taken then. Else what is in the way, by a recent count."""
        with self._lock:
            if self._good_until is None or self._local() >= self._good_until:
                self._count()
            why = self._limits.why_full(self._jobs + jobs, self._size + size)
            if why is not None and self._local() - self._counted_at >= COUNTING_SHARE * self._cost:
                self._count()  # others may have taken jobs since
                why = self._limits.why_full(self._jobs + jobs, self._size + size)
            if why is None:
                self._jobs += jobs
                self._size += size
            return why

    def _count(self) -> None:
        began = self._local()
        self._jobs, self._size = waiting_size.waiting(
            self._spool, with_sizes=self._limits.size_bytes > 0
        )
        self._counted_at = self._local()
        self._cost = self._counted_at - began
        good = self._limits.good_for_seconds(self._jobs, self._size, self._cost)
        self._good_until = self._counted_at + good
