"""The leases of running commands: renewed in the background, and lost ones noticed early."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from spoolq.errors import SpoolqError
from spoolq.rules import layout
from spoolq.worker.presence import look_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq.holding.job import Job
    from spoolq.verbs.context import OpenSpool
    from spoolq.worker.child import Commands
    from spoolq.worker.launch import Running

LOST = "the job was cancelled, or is somebody else's"


class Care:
    """Stops the command of a job whose lease is lost: its end would not count."""

    def __init__(self, spool: OpenSpool, commands: Commands) -> None:
        self._spool, self._commands = spool, commands
        self.look_at = 0.0

    def begin(self, running: Running) -> None:
        """Renew from now on; most short commands end before that and never need it."""
        running.care_at = None

        def lost() -> None:
            running.is_lost = True
            self._commands.stop(running.number, reason=LOST)

        kept = running.job.keep_alive(on_lost=lost, on_renewed=lambda: self._trust(running))
        kept.__enter__()  # until the job is ended

    def _trust(self, running: Running) -> None:
        until = monotonic_of(running.job.trusted_until, self._spool)
        if until is not None:
            self._commands.trust([running.number], until)

    def look(self, running: Iterable[Running]) -> None:
        """Whether the jobs are still where we hold them: a cancelled one is not.

        The next renewal would tell, but that may be a while. What is seen decides nothing: it only
        makes us renew now.
        """
        self.look_at = time.monotonic() + look_seconds(self._spool)
        for each in running:
            if each.care_at is None and not each.is_lost and self._seems_gone(each.job):
                try:
                    each.job.extend()
                    self._trust(each)
                except SpoolqError:
                    pass  # if the lease is lost, `lost` was told

    def _seems_gone(self, job: Job) -> bool:
        if job.lost:  # timers stand still while a machine is suspended, leases do not
            return True
        name = job.name
        try:
            gone = self._spool.fs.lstat(f"{layout.LEASED}/{name}") is None
        except OSError:
            return False
        # RACE: renewed meanwhile, it bears a new name.
        return gone and job.name == name


def monotonic_of(local: float | None, spool: OpenSpool) -> float | None:
    """A time of the local clock (which counts suspended time) on the monotonic one."""
    return None if local is None else local - spool.clock.local() + time.monotonic()
