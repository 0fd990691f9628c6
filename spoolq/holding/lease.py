"""A lease in its holder's hands: what it covers still, and how long it may be trusted."""

from __future__ import annotations

import itertools
import threading

from spoolq.later import log_named
from spoolq.verbs import claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.holding.spare import Spare
    from spoolq.verbs.claim import Granted
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.lease")


class HeldLease:
    """Counts the tasks under one lease; its sidecar goes with the last of them, or is kept spare."""

    def __init__(self, spool: OpenSpool, granted: Granted, spare: Spare | None = None) -> None:
        self._spool = spool
        self._spare = spare
        self._lock = threading.Lock()
        self._covered = 0
        self._leaving = itertools.count(1)
        self.name = granted.lease.name
        self.lease_seconds = granted.lease.lease_seconds
        self.limit = granted.lease.limit
        self.granted_at = granted.lease.granted_at
        self.trusted_until = granted.trusted_until
        self.shared_until = granted.shared_until

    @property
    def deadline(self) -> float:
        """When it ends, in seconds of the server's clock."""
        return self.granted_at + self.lease_seconds

    @property
    def is_trusted(self) -> bool:
        """Whether the holder may still count on it, by its own monotonic clock."""
        return self._spool.clock.local() < self.trusted_until

    def cover(self, tasks: int = 1) -> None:
        """So many more tasks are under this lease."""
        with self._lock:
            self._covered += tasks

    def leave(self, *, for_good: bool = False) -> None:
        """One task is not under this lease any more; `for_good`: it will never be taken again.

        RACE: I5. A task that may be taken again must not come under the same lease again, so that
        one name in leased/ never stands for two takings: such a lease is not kept spare.
        """
        if not for_good:
            self._spare = None
        # RACE: one step to all threads. Nobody covers more while somebody may be the last to leave.
        last = next(self._leaving) == self._covered
        if last and not (self._spare is not None and self._spare.offer(self)):
            self.drop()

    def drop(self) -> None:
        """Remove the sidecar: no task is under it."""
        try:
            claim.drop_sidecar(self._spool, self.name)
        except OSError as error:
            _log.debug("sidecar of %s is left to the sweep: %s", self.name, error)
