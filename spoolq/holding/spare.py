"""A lease that covers nothing any more, kept for a moment: a burst of short jobs shares a sidecar.

Jobs taken one by one, each done within milliseconds, would pay more for their sidecars than for
all else, and batches a twentieth. As in a batch, the sidecar stands before any task comes under it;
and every task that was under it was renamed to done/ by us, so no name in leased/ ever comes a
second time (I5).
"""

from __future__ import annotations

import atexit
import threading
import weakref

from spoolq.disk import chance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq.holding.lease import HeldLease

BURST = 16
"""So many short jobs one after the other make a burst; before that each lease goes with its jobs."""


class Spare:
    """At most one lease, for the next claim. Safe from any thread."""

    def __init__(self, local: Callable[[], float], has_more: Callable[[], bool]) -> None:
        self._local = local
        self._has_more = has_more
        self._lock = threading.Lock()
        self._kept: HeldLease | None = None
        self._in_a_row = 0
        self._forks = chance.forks
        _all.add(self)

    def take(self, lease_seconds: float, limit: int) -> HeldLease | None:
        """The lease kept, if it is for as many tasks and its term is all but whole; else it is dropped.

        All but whole: to a thousandth (`leases.shared_until`).
        """
        lease = self._pop()
        if lease is None:
            return None
        is_new = self._local() < lease.shared_until
        if is_new and lease.lease_seconds == lease_seconds and lease.limit >= limit:
            return lease
        lease.drop()
        return None

    def offer(self, lease: HeldLease) -> bool:
        """Keep a lease that covers nothing, in a burst and when there is more to take; whether so."""
        if self._local() >= lease.shared_until:
            self._in_a_row = 0
            return False
        self._in_a_row += lease.limit
        if self._in_a_row < BURST or not self._has_more():
            return False
        with self._lock:
            if self._kept is not None:
                return False
            self._kept = lease
        return True

    def drop(self) -> None:
        """The burst is over: nothing more to take, or nobody who takes."""
        self._in_a_row = 0
        lease = self._pop()
        if lease is not None:
            lease.drop()

    def _pop(self) -> HeldLease | None:
        if self._kept is None:
            return None
        if self._forks != chance.forks:
            return None  # RACE: a child's copy; the lease is the parent's to use and to drop
        with self._lock:
            lease, self._kept = self._kept, None
        return lease


_all: weakref.WeakSet[Spare] = weakref.WeakSet()


@atexit.register
def _drop_all() -> None:
    for spare in tuple(_all):
        spare.drop()
