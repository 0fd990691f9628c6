"""The reaper inside every consumer: expired leases, due tasks and leftovers, in passing."""

from __future__ import annotations

from spoolq.disk.locks import upkeep_lock
from spoolq.holding.pruning import Pruning
from spoolq.later import log_named
from spoolq.rules import layout, names
from spoolq.verbs.reap import Reaper
from spoolq.verbs.sweep import sweep_tmp
from spoolq.waiting import pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool
    from spoolq.verbs.reap import ReapPass

_log = log_named("spoolq.upkeep")
TOUCH_EVERY_PASSES = 8


class Upkeep:
    """Runs a pass when one is due, and tells when the next is."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._reaper = Reaper(spool)
        self._pruning = Pruning(spool)
        self._next_pass = 0.0
        self._next_sweep = spool.clock.local() + spool.settings.sweep_seconds / 4
        self._denied_since: float | None = None
        self._passes = 0

    def seconds_left(self) -> float:
        """Until the next pass, or the next slice of pruning, is due."""
        return min(self._next_pass - self._spool.clock.local(), self._pruning.seconds_left())

    def hear_of(self, name: str) -> None:
        """A name that arrived in delayed/: the next pass is due no later than it."""
        task = names.parse_delayed(name)
        if task is not None:
            in_seconds = max(0.0, task.due - self._spool.clock.now())
            self._next_pass = min(self._next_pass, self._spool.clock.local() + in_seconds)

    def run(self) -> int:
        """One pass; how many jobs became ready to be taken."""
        if self._pruning.seconds_left() <= 0:
            self._pruning.run()
            if self._next_pass > self._spool.clock.local():
                return 0
        spool = self._spool
        interval = pace.upkeep_seconds(spool.settings.lease_seconds, spool.chance())
        self._next_pass = spool.clock.local() + interval
        self._cure_listings()
        done = self._reaper.promote()
        seen = self._reaper.look()
        if seen.moved or seen.swept or self._sweep_is_due():
            self._do_expensive_part(done, interval)
        elif seen.next_at is not None:
            done.falls_due(seen.next_at)
        wait = interval
        if done.next_at is not None:
            wait = min(wait, max(0.0, done.next_at - spool.clock.now()))
        self._next_pass = spool.clock.local() + wait
        return done.moved

    def _cure_listings(self) -> None:
        # NFS: a v3 client can miss a name for ever that was made in the same clock tick as the
        # change it saw last. Touching the directory makes every client list it anew.
        self._passes += 1
        if self._spool.fs.is_network and self._passes % TOUCH_EVERY_PASSES == 0:
            for directory in (layout.LEASED, layout.DELAYED, layout.READY):
                self._spool.fs.touch_directory(directory)

    def _sweep_is_due(self) -> bool:
        return self._spool.clock.local() >= self._next_sweep

    def _do_expensive_part(self, done: ReapPass, interval: float) -> None:
        spool = self._spool
        mode = 0o660 if spool.settings.group else 0o600
        with upkeep_lock(spool.fs.root, "reap", mode) as alone:
            if not (alone or self._denied_for_long(interval)):
                return
            self._denied_since = None
            self._reaper.expire(done)
            if self._sweep_is_due():
                self._next_sweep = spool.clock.local() + spool.settings.sweep_seconds / 4
                swept = sweep_tmp(spool)
                _log.debug("swept %d leftovers", swept)

    def _denied_for_long(self, interval: float) -> bool:
        """A lock that cannot be had for long is ignored: its holder may hang, or be dead on NFS."""
        now = self._spool.clock.local()
        if self._denied_since is None:
            self._denied_since = now
        return now - self._denied_since > 2 * interval
