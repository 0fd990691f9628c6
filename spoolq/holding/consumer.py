"""Taking jobs: candidates, claims, and the wait for more. One per Spool and process."""

from __future__ import annotations

import math
import threading

from spoolq.disk import locks
from spoolq.errors import Closed
from spoolq.holding.candidates import Candidates
from spoolq.holding.spare import Spare
from spoolq.holding.taking import Taking
from spoolq.holding.upkeep import Upkeep
from spoolq.holding.watching import Watch
from spoolq.later import log_named
from spoolq.rules import layout, names
from spoolq.verbs import doubles, pause
from spoolq.verbs.journal import Journal
from spoolq.verbs.looks import Looks
from spoolq.waiting import pace
from spoolq.waiting.doorbell import Doorbell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.holding.job import Job
    from spoolq.holding.keepalive import Keeper
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.consumer")
MOST_VAIN_SEARCHES = 32


class Consumer:
    """Gives out jobs to the threads of one process."""

    def __init__(self, spool: OpenSpool, keeper: Keeper) -> None:
        self._spool = spool
        self._keeper = keeper
        self._local = spool.clock.local
        self._journal = spool.journal = Journal(spool)
        self._lock = threading.Lock()
        self._candidates = Candidates()
        self._spare = Spare(spool.clock.local, self._candidates.has_more)
        self._upkeep = Upkeep(spool)
        self._upkeep_lock = threading.Lock()
        self._bell = Doorbell()
        self._watch = Watch(spool, self._arrived)
        self._listed_at: float | None = None
        self._relist_at = -math.inf
        self._is_stale = False
        self._idle_polls = 0
        self._looks = Looks(spool, layout.READY)
        self._paused, self._pause_known_until = False, -math.inf
        self._vain_searches = 0
        self.is_closed = False

    def close(self) -> None:
        """Wake everybody who is blocked; they get Closed."""
        self.is_closed = True
        self._spare.drop()
        self._watch.close()
        self._bell.ring()
        self._journal.write()

    def get(self, limit: int, timeout: float | None) -> list[Job]:
        """Up to `limit` jobs, waiting up to `timeout` seconds for the first; [] when there is none.

        Raises:
            Closed: the Spool was closed, before or meanwhile.
            OSError: the file system refused.
        """
        give_up_at = None if timeout is None else self._local() + timeout
        force_upkeep = True
        while True:
            if self.is_closed:
                raise Closed("this Spool is closed")
            rings = self._bell.rings
            self._journal.write_if_due()
            became_ready = self._upkeep_in_passing(force=False)
            jobs = self._claim(limit)
            if jobs:
                self._idle_polls = 0
                return jobs
            self._spare.drop()
            if force_upkeep and not became_ready:
                force_upkeep = False
                if self._upkeep_in_passing(force=True):
                    continue
            left = None if give_up_at is None else give_up_at - self._local()
            if left is not None and left <= 0:
                return []
            self._wait(rings, left)

    def _upkeep_in_passing(self, *, force: bool) -> int:
        if not force and self._upkeep.seconds_left() > 0:
            return 0
        if not self._upkeep_lock.acquire(blocking=False):
            return 0  # another thread is at it
        try:
            moved = self._upkeep.run()
        except OSError as error:
            # Taking jobs must not end because tidying up failed; if all is broken, claims tell.
            _log.warning("upkeep of %s: %s", self._spool.fs.root, error)
            moved = 0
        finally:
            self._upkeep_lock.release()
        if moved:
            self._is_stale = True
        return moved

    def _is_paused(self) -> bool:
        if self._spool.fs.is_network:
            now = self._local()
            if now < self._pause_known_until:
                return self._paused
            self._pause_known_until = now + self._spool.settings.poll_seconds
        self._paused = pause.is_paused(self._spool)
        return self._paused

    # ----- waiting

    def _wait(self, rings: int, left: float | None) -> None:
        """Until something may have arrived, upkeep is due, or the wait is over."""
        if self._watch.start(left):
            locks.prepare()
            return  # look once more: something may have arrived before the watch stood
        self._idle_polls += 1
        chosen = self._spool.settings
        if self._watch.is_on and not self._paused:
            longest = pace.SAFETY_SECONDS
        else:
            most = min(chosen.poll_seconds, 0.5) if self._watch.is_on else chosen.poll_seconds
            longest = pace.poll_seconds(self._idle_polls, most, self._spool.chance())
        # Not shorter than 10 ms: another thread's pass may hang in the file system.
        longest = min(
            longest, max(0.01, self._upkeep.seconds_left()), max(0.01, self._journal.seconds_left())
        )
        longest = longest if left is None else min(longest, left)
        rest = self._watch.rest
        if rest is None:
            self._bell.wait(rings, longest)
        else:
            with rest.skipped():
                self._bell.wait(rings, longest)

    def _arrived(self, directory: str, name: str | None) -> None:
        """Called on the observer's thread: take a note and ring."""
        if name is None:
            self._is_stale = True
        elif directory == layout.READY:
            self._candidates.arrive(name)
        else:
            self._upkeep.hear_of(name)
        self._bell.ring()

    # ----- candidates

    def _next_candidates(self, most: int) -> tuple[list[str], bool]:
        """Names to try: many that a listing showed to be regular files, or one, to be looked at."""
        with self._lock:
            now = self._local()
            if now >= self._relist_at or self._is_stale or self._candidates.worn_out:
                self._list(now)
            trusts = not self._spool.fs.is_network  # whose listings do not show it
            few = self._candidates.next_few(now, most if trusts else 1)
            return few, trusts and self._candidates.is_listed

    def _give_back(self, untried: list[str], *, is_lost: bool = False) -> None:
        """Names that were not tried; `is_lost`: somebody else was faster at the one before them."""
        with self._lock:
            if untried:
                self._candidates.untried(untried, self._local())
            if is_lost:
                self._candidates.lost(self._local())

    def _list(self, now: float) -> None:
        if self._listed_at is not None and not self._is_stale and now >= self._relist_at:
            # A busy consumer that has to look again and again lets events tell it instead.
            self._watch.start(None)
        self._is_stale = False
        self._looks.begin()
        self._candidates.forget_arrivals()
        self._candidates.fill(self._spool.fs.iterate_files(layout.READY))
        self._looks.end()
        self._listed_at = self._local()
        usual = pace.SAFETY_SECONDS if self._watch.is_on else 1.0
        self._relist_at = self._listed_at + pace.relist_seconds(self._listed_at - now, usual)

    # ----- claiming

    def _claim(self, limit: int) -> list[Job]:
        """Take up to `limit` tasks; [] only when a listing made during this call held none for us.

        Or when the spool is paused: which is asked when there is something to take, so that
        waiting for nothing costs one listing a look.
        """
        if self._paused and self._is_paused():
            return []
        taking = Taking(self._spool, self._keeper, self._spare, limit)
        began = self._local()
        is_asked = False
        try:
            while (wanted := limit - len(taking.jobs)) > 0:
                few, are_listed = self._next_candidates(wanted)
                if few and not is_asked:
                    is_asked = True
                    if self._is_paused():
                        self._give_back(few)
                        break
                if few:
                    if are_listed or self._is_ours(few[0]):
                        self._try(few, taking)
                elif taking.jobs or (self._listed_at or 0.0) >= began:
                    break
                else:
                    self._is_stale = True
        except OSError as error:
            if not taking.jobs:
                raise
            _log.warning("took %d jobs, then: %s", len(taking.jobs), error)
        finally:
            taking.end()
        return taking.trusted_jobs()

    def _try(self, few: list[str], taking: Taking) -> None:
        """Take one after the other, until one is lost to somebody else or foreign."""
        try:
            outcome = taking.take(few)
        except PermissionError as error:
            if taking.lease is None:
                self._give_back(few)
                raise
            name, rest = few[taking.at], few[taking.at + 1 :]
            _log.warning("%s cannot be taken: %s", name, error)
            self._candidates.skip_foreign(name)
            self._give_back(rest)
        except BaseException:
            self._give_back(few[taking.at :])
            raise
        else:
            if outcome is not False or taking.at:
                self._candidates.won()
            if not outcome:
                self._give_back(few[taking.at + 1 :], is_lost=outcome is not None)
            if outcome is None:
                self._leave(few[taking.at])

    def _is_ours(self, name: str) -> bool:
        """A look at a name that an event told of, so that foreign things are not even moved (I8)."""
        try:
            entry = self._spool.fs.lstat(f"{layout.READY}/{name}")
        except OSError:
            self._give_back([name])
            raise
        if entry is None:
            self._give_back([], is_lost=True)
        elif entry.kind == "file" and entry.links == 1:
            return True
        else:
            self._leave(name)
        return False

    def _leave(self, name: str) -> None:
        """What is there is foreign, unless it is a job that a power cut gave a second name."""
        # Searching costs listings, so not for each of many files that have names elsewhere.
        if self._vain_searches < MOST_VAIN_SEARCHES:
            if doubles.settle(self._spool, names.split_ready(name).id):
                self._vain_searches = 0
                self._give_back([name])
                return
            self._vain_searches += 1
        self._candidates.skip_foreign(name)
