"""Pruning in passing: a few milliseconds at a time, by one consumer of all hosts where that can be."""

from __future__ import annotations

from spoolq.disk.locks import upkeep_lock
from spoolq.later import Later, log_named
from spoolq.rules import layout
from spoolq.verbs import journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.rules import retention
    from spoolq.verbs import prune
    from spoolq.verbs.context import OpenSpool
else:
    # Nothing is pruned in the first seconds of a process, which `spoolq get` does not live to see.
    retention, prune = Later("spoolq.rules.retention"), Later("spoolq.verbs.prune")

_log = log_named("spoolq.upkeep")
MARK = f"{layout.LOCKS}/pruned"
"""A file that whoever prunes touches now and then, so that others leave it to them."""
FIRST_SECONDS = 2.0
SLICE_SECONDS = 0.01
PAUSES_A_SLICE = 10.0
"""A slice that took t seconds is followed by ten times t: at most a tenth of one consumer's time."""
LEAST_PAUSE_SECONDS = 0.1
TOUCH_SECONDS = 10.0


class Pruning:
    """Passes over done/ in slices; `run` does one slice when one is due."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._steps: Iterator[int] | None = None
        self._next = spool.clock.local() + FIRST_SECONDS
        self._touched_at = 0.0
        self._removed = 0

    @property
    def interval_seconds(self) -> float:
        """Between two passes: often enough that what is kept too long is a twentieth of it."""
        return max(60.0, min(3600.0, self._spool.settings.retention_seconds / 20))

    def seconds_left(self) -> float:
        """Until the next slice is due."""
        return self._next - self._spool.clock.local()

    def run(self) -> None:
        """One slice.

        Raises:
            OSError: the file system refused; the pass is given up, another one comes.
        """
        self._next = self._spool.clock.local() + self.interval_seconds
        steps = self._steps or self._begun()
        if steps is None:
            return
        try:
            self._do_slice(steps)
        except OSError:
            self._steps = None
            raise

    def _begun(self) -> Iterator[int] | None:
        """A new pass, unless somebody pruned lately. RACE: if two do so at once, no harm is done."""
        if not self._is_due():
            return None
        mode = 0o660 if self._spool.settings.group else 0o600
        with upkeep_lock(self._spool.fs.root, "prune", mode) as alone:
            if not alone or not self._is_due():
                return None
            self._touch()
        chosen = self._spool.settings
        keep = retention.Keep(
            chosen.retention_seconds, chosen.retention_jobs, chosen.retention_bytes
        )
        self._steps = prune.steps(self._spool, keep, failed=False)
        self._removed = 0
        return self._steps

    def _is_due(self) -> bool:
        mark = self._spool.fs.lstat(MARK)
        if mark is None:
            return True
        left = mark.modified_at + self.interval_seconds - self._spool.clock.now()
        # Spread over the hosts, so that they do not come all at once.
        spread = self._spool.chance() * min(60.0, self.interval_seconds / 4)
        self._next = self._spool.clock.local() + max(1.0, left) + spread
        return left <= 0

    def _touch(self) -> None:
        self._touched_at = self._spool.clock.local()
        fs = self._spool.fs
        try:
            try:
                fs.touch_directory(MARK)
            except FileNotFoundError:
                fs.close(fs.append(MARK))
        except OSError as error:
            _log.debug("%s: %s", MARK, error)  # a full disk: all the more reason to prune

    def _do_slice(self, steps: Iterator[int]) -> None:
        local = self._spool.clock.local
        began = local()
        while local() - began < SLICE_SECONDS:
            removed = next(steps, None)
            if removed is None:
                self._finish()
                return
            self._removed += removed
        if local() - self._touched_at > TOUCH_SECONDS:
            self._touch()
        self._next = local() + max(LEAST_PAUSE_SECONDS, PAUSES_A_SLICE * (local() - began))

    def _finish(self) -> None:
        self._steps = None
        self._touch()
        journal.prune(self._spool)
        if self._removed:
            _log.info("pruned %d done jobs of %s", self._removed, self._spool.fs.root)
