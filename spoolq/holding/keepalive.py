"""Keeping leases alive: one renewing thread and one watching thread for all jobs of a spool.

The watching thread does no I/O, so it can tell a holder that its trust has run out even while
the renewing thread hangs in the file system.
"""

from __future__ import annotations

import threading

from spoolq.errors import SpoolqError
from spoolq.holding.renewing import renew_together
from spoolq.later import log_named
from spoolq.rules import leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from spoolq.holding.job import Job

_log = log_named("spoolq.keepalive")
FIRST_RETRY_SECONDS = 0.1
IDLE_SECONDS = 5.0


class KeepAlive:
    """While inside, the job is renewed. `lost` is set once the lease is lost."""

    def __init__(
        self,
        keeper: Keeper,
        job: Job,
        on_lost: Callable[[], None] | None,
        on_renewed: Callable[[], None] | None,
    ) -> None:
        self._keeper = keeper
        self._job = job
        self._on_lost, self._on_renewed = on_lost, on_renewed
        self._told = threading.Lock()
        self.lost = threading.Event()

    def __enter__(self) -> Self:
        self._keeper.start(self._job, self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._keeper.stop(self._job, self)

    def tell(self) -> None:
        """The lease is lost: set the event and call back, once."""
        if not self._told.acquire(blocking=False):
            return
        self.lost.set()
        self._call(self._on_lost)

    def tell_renewed(self) -> None:
        """The job is under a new lease: call back."""
        self._call(self._on_renewed)

    def _call(self, callback: Callable[[], None] | None) -> None:
        if callback is not None:
            try:
                callback()
            except Exception:
                _log.exception("callback of job %s", self._job.id)


class _Kept:
    """A job under care: when it is renewed next (local seconds), and who is to be told."""

    __slots__ = ("job", "listeners", "renew_at", "retry_seconds", "term", "told")

    def __init__(self, job: Job, renew_at: float, term: float) -> None:
        self.job = job
        self.renew_at = renew_at
        self.term = term
        self.retry_seconds = FIRST_RETRY_SECONDS
        self.told = False
        self.listeners: list[KeepAlive] = []


class Keeper:
    """Renews the jobs under its care. Its two threads end when there was nothing to do for a while."""

    def __init__(self, local: Callable[[], float]) -> None:
        self._local = local
        self._changed = threading.Condition()
        self.kept: dict[int, _Kept] = {}
        self._running: set[str] = set()

    def keep(
        self,
        job: Job,
        on_lost: Callable[[], None] | None,
        on_renewed: Callable[[], None] | None,
    ) -> KeepAlive:
        """See Job.keep_alive."""
        return KeepAlive(self, job, on_lost, on_renewed)

    def start(self, job: Job, listener: KeepAlive) -> None:
        """Take a job into care."""
        found = _Kept(job, self._first_renewal(job), job.lease_seconds)
        with self._changed:
            kept = self.kept.setdefault(id(job), found)
            kept.listeners.append(listener)
            self._see_to_threads()
            self._changed.notify_all()

    def _first_renewal(self, job: Job) -> float:
        term, trusted_until = job.lease_seconds, job.trusted_until
        if trusted_until is None:
            return self._local()
        started = trusted_until - term + leases.margin_seconds(term)
        return started + leases.renew_after_seconds(term)

    def _see_to_threads(self) -> None:
        for name, step in (("renewing", self._renew_next), ("watching", self._watch_next)):
            if name not in self._running:
                self._running.add(name)
                threading.Thread(
                    target=self._run, args=(name, step), name=f"spoolq-{name}", daemon=True
                ).start()

    def _run(self, name: str, step: Callable[[], bool]) -> None:
        while step():
            pass
        _log.debug("nothing left to keep alive: %s ends", name)

    def stop(self, job: Job, listener: KeepAlive) -> None:
        """End one listener's care; the last one's ends the renewing."""
        with self._changed:
            kept = self.kept.get(id(job))
            if kept is not None and listener in kept.listeners:
                kept.listeners.remove(listener)
                if not kept.listeners:
                    del self.kept[id(job)]

    def forget(self, job: Job) -> None:
        """The job has ended: no more renewing, nothing to be told."""
        if id(job) in self.kept:
            with self._changed:
                self.kept.pop(id(job), None)

    def tell_lost(self, job: Job) -> None:
        """Tell all who listen that the lease of a job is lost."""
        with self._changed:
            kept = self.kept.pop(id(job), None)
        for listener in kept.listeners if kept else ():
            listener.tell()

    def _wait(self, name: str, until: float | None) -> bool:
        """Wait for a change or a time, the lock held; False when idle for long: the thread ends."""
        if until is not None or self.kept:
            self._changed.wait(None if until is None else max(0.0, until - self._local()))
            return True
        if self._changed.wait(IDLE_SECONDS) or self.kept:
            return True
        self._running.discard(name)
        return False

    def _renew_next(self) -> bool:
        with self._changed:
            first = min(self.kept.values(), key=lambda kept: kept.renew_at, default=None)
            if first is None or first.renew_at > self._local():
                return self._wait("renewing", first.renew_at if first else None)
            term = first.term
            # Those that are due soon come along: one sidecar for all of them.
            soon = first.renew_at + leases.renew_after_seconds(term) / 2
            due = [
                kept for kept in self.kept.values() if kept.renew_at <= soon and kept.term == term
            ]
        self._renew(due, term)
        return True

    def _renew(self, due: list[_Kept], term: float) -> None:
        decided: list[Job] = []
        try:
            decided = renew_together([kept.job for kept in due], term)
        except SpoolqError as error:
            _log.warning("%d leases could not be renewed yet: %s", len(due), error)
        renewed = set(map(id, decided))
        for kept in due:
            if id(kept.job) not in renewed:
                kept.renew_at = self._local() + kept.retry_seconds
                kept.retry_seconds = min(5.0, kept.retry_seconds * 2)
            elif not kept.job.lost:
                kept.retry_seconds = FIRST_RETRY_SECONDS
                kept.renew_at = self._first_renewal(kept.job)
                for listener in tuple(kept.listeners):
                    listener.tell_renewed()
        with self._changed:
            self._changed.notify_all()

    def _watch_next(self) -> bool:
        with self._changed:
            ends = [
                (kept.job.trusted_until or 0.0, kept)
                for kept in self.kept.values()
                if not kept.told
            ]
            until, kept = min(ends, key=lambda pair: pair[0], default=(None, None))
            if kept is None or until is None or until > self._local():
                return self._wait("watching", until)
            kept.told = True
            listeners = list(kept.listeners)
        for listener in listeners:
            listener.tell()
        return True
