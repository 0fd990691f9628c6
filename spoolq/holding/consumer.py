"""Taking jobs: candidates, claims, and the wait for more. One per Spool and process."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from spoolq.disk.filesystem import Foreign, TooLarge
from spoolq.errors import Closed
from spoolq.holding.candidates import Candidates
from spoolq.holding.job import EAGER_BYTES, Job
from spoolq.holding.lease import HeldLease
from spoolq.holding.upkeep import Upkeep
from spoolq.holding.watching import Watch
from spoolq.rules import layout, names
from spoolq.verbs import claim, finish, pause
from spoolq.verbs.journal import Journal
from spoolq.verbs.looks import Looks
from spoolq.waiting import pace
from spoolq.waiting.doorbell import Doorbell

if TYPE_CHECKING:
    from spoolq.holding.keepalive import Keeper
    from spoolq.rules.names import LeasedName, ReadyName
    from spoolq.verbs.context import OpenSpool

_log = logging.getLogger("spoolq.consumer")


class Consumer:
    """Gives out jobs to the threads of one process."""

    def __init__(self, spool: OpenSpool, keeper: Keeper) -> None:
        self._spool = spool
        self._keeper = keeper
        self._local = spool.clock.local
        self._journal = spool.journal = Journal(spool)
        self._lock = threading.Lock()
        self._candidates = Candidates()
        self._upkeep = Upkeep(spool)
        self._upkeep_lock = threading.Lock()
        self._bell = Doorbell()
        self._watch = Watch(spool, self._arrived)
        self._listed_at: float | None = None
        self._listing_seconds = 0.0
        self._is_stale = False
        self._idle_polls = 0
        self._looks = Looks(spool, layout.READY)
        self._pause_seen: tuple[float, bool] = (-1.0, False)
        self.is_closed = False

    def close(self) -> None:
        """Wake everybody who is blocked; they get Closed."""
        self.is_closed = True
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
        looked_at, paused = self._pause_seen
        now = self._local()
        fresh_for = self._spool.settings.poll_seconds if self._spool.fs.is_network else 0.0
        if now - looked_at >= fresh_for:
            paused = pause.is_paused(self._spool)
            self._pause_seen = (now, paused)
        return paused

    # ----- waiting

    def _wait(self, rings: int, left: float | None) -> None:
        """Until something may have arrived, upkeep is due, or the wait is over."""
        if self._watch.start(left):
            return  # look once more: something may have arrived before the watch stood
        self._idle_polls += 1
        chosen = self._spool.settings
        if self._watch.is_on and not self._pause_seen[1]:
            longest = pace.SAFETY_SECONDS
        else:
            most = min(chosen.poll_seconds, 0.5) if self._watch.is_on else chosen.poll_seconds
            longest = pace.poll_seconds(self._idle_polls, most, self._spool.chance())
        # Not shorter than 10 ms: another thread's pass may hang in the file system.
        longest = min(
            longest, max(0.01, self._upkeep.seconds_left()), max(0.01, self._journal.seconds_left())
        )
        self._bell.wait(rings, longest if left is None else min(longest, left))

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

    def _next_candidate(self, *, may_list: bool) -> str | None:
        with self._lock:
            if self._needs_listing(may_list=may_list):
                self._list()
            return self._candidates.next(self._local())

    def _needs_listing(self, *, may_list: bool) -> bool:
        if self._listed_at is None or self._is_stale:
            return True
        usual = pace.SAFETY_SECONDS if self._watch.is_on else 1.0
        age = self._local() - self._listed_at
        if age >= pace.relist_seconds(self._listing_seconds, usual):
            # A busy consumer that has to look again and again lets events tell it instead.
            self._watch.start(None)
            return True
        return may_list and self._candidates.worn_out

    def _list(self) -> None:
        started = self._local()
        self._is_stale = False
        self._looks.begin()
        self._candidates.forget_arrivals()
        self._candidates.fill(self._spool.fs.iterate(layout.READY))
        self._looks.end()
        self._listed_at = self._local()
        self._listing_seconds = self._listed_at - started

    # ----- claiming

    def _claim(self, limit: int) -> list[Job]:
        """Take up to `limit` tasks; [] only when a listing made during this call held none for us.

        Or when the spool is paused: which is asked when there is something to take, so that
        waiting for nothing costs one listing a look.
        """
        if self._pause_seen[1] and self._is_paused():
            return []
        taking = _Taking(self._spool, self._keeper)
        began = self._local()
        is_asked = False
        try:
            while len(taking.jobs) < limit:
                name = self._next_candidate(may_list=True)
                if name is not None and not is_asked:
                    is_asked = True
                    if self._is_paused():
                        self._candidates.put_back(name)
                        break
                if name is not None:
                    self._try(name, taking, limit)
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

    def _try(self, name: str, taking: _Taking, limit: int) -> None:
        found = names.parse_ready(name)
        if found is None:
            return
        entry = self._spool.fs.lstat(f"{layout.READY}/{name}")
        if entry is None:
            self._candidates.lost(self._local())
            return
        if entry.kind != "file" or entry.links != 1:
            self._candidates.skip_foreign(name)
            return
        try:
            outcome = taking.take(found, limit)
        except PermissionError as error:
            if taking.lease is None:
                self._candidates.put_back(name)
                raise
            _log.warning("%s cannot be taken: %s", name, error)
            self._candidates.skip_foreign(name)
        except BaseException:
            self._candidates.put_back(name)
            raise
        else:
            self._tell_candidates(name, outcome)

    def _tell_candidates(self, name: str, outcome: str) -> None:
        if outcome == "won":
            self._candidates.won()
        elif outcome == "lost":
            self._candidates.lost(self._local())
        else:
            self._candidates.skip_foreign(name)


class _Taking:
    """One round of claims: jobs won so far, under a lease per term of seconds."""

    def __init__(self, spool: OpenSpool, keeper: Keeper) -> None:
        self._spool = spool
        self._keeper = keeper
        self._lost_any = False
        self._won: list[LeasedName] = []
        self.lease: HeldLease | None = None
        self.jobs: list[tuple[Job, HeldLease]] = []

    def take(self, found: ReadyName, limit: int) -> str:
        """Try one task: "won", "lost" to somebody else, or "foreign" and left where it was."""
        own = self._spool.meta(found.id).lease_seconds
        lease = self._lease_for(self._spool.settings.lease_seconds if own is None else own, limit)
        mine = claim.take(self._spool, found, lease.name)
        if mine is None:
            self._lost_any = True
            return "lost"
        return "won" if self._accept(mine, lease) else "foreign"

    def _lease_for(self, seconds: float, limit: int) -> HeldLease:
        if self.lease is not None and self.lease.lease_seconds == seconds:
            return self.lease
        self._close_lease()
        self.lease = HeldLease(self._spool, claim.grant(self._spool, seconds, limit))
        self.lease.cover()  # by this round, until it ends
        return self.lease

    def _accept(self, mine: LeasedName, lease: HeldLease) -> bool:
        """Read the payload; what is not a task of ours goes back to where it was."""
        path = f"{layout.LEASED}/{mine}"
        self._won.append(mine)
        task: bytes | None = None
        try:
            most = min(EAGER_BYTES, self._spool.settings.max_task_bytes)
            task = self._spool.fs.read(path, most)
        except TooLarge:
            pass  # read when it is asked for
        except Foreign as error:
            _log.warning("%s is foreign (%s): left alone", mine.id, error.reason)
            finish.put_back(self._spool, mine, mine.attempt - 1, None)
            return False
        except FileNotFoundError:
            return True  # taken from us already (cancelled): nothing to hand out
        lease.cover()
        self.jobs.append((Job(self._spool, self._keeper, mine, lease, task), lease))
        return True

    def end(self) -> None:
        """The round is over: recover what a lost reply hid, and let go of the lease."""
        lease = self.lease
        if lease is not None and self._lost_any and self._spool.fs.is_network:
            for mine in list(claim.recovered(self._spool, lease.name, self._won)):
                self._accept(mine, lease)
        self._close_lease()

    def _close_lease(self) -> None:
        lease, self.lease = self.lease, None
        if lease is not None:
            lease.leave()

    def trusted_jobs(self) -> list[Job]:
        """The jobs to hand out. RACE: I5: frozen since the grant, a lease may be over by now."""
        handed = []
        for job, lease in self.jobs:
            if lease.is_trusted:
                handed.append(job)
            else:
                job.give_back_unseen()
        return handed
