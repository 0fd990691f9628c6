"""One round of claims: jobs won so far, under a lease per term of seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.disk.filesystem import Foreign, TooLarge
from spoolq.holding.job import EAGER_BYTES, Job
from spoolq.holding.lease import HeldLease
from spoolq.later import log_named
from spoolq.rules import layout
from spoolq.verbs import claim, finish

if TYPE_CHECKING:
    from spoolq.holding.keepalive import Keeper
    from spoolq.rules.names import LeasedName, ReadyName
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.consumer")


class Taking:
    """Takes tasks one by one; `end` it whatever happens, then hand out its `trusted_jobs`."""

    def __init__(self, spool: OpenSpool, keeper: Keeper, limit: int) -> None:
        self._spool = spool
        self._keeper = keeper
        self._limit = limit
        self._usual_seconds = spool.settings.lease_seconds
        self._eager_bytes = min(EAGER_BYTES, spool.settings.max_task_bytes)
        self._lost_any = False
        self._won: list[LeasedName] = []
        self.lease: HeldLease | None = None
        self.jobs: list[tuple[Job, HeldLease]] = []

    def take(self, found: ReadyName) -> bool | None:
        """Try one task: True when won, False when lost to somebody else.

        None when it is foreign; it is left where it was.
        """
        own = self._spool.meta(found.id).lease_seconds
        lease = self._lease_for(self._usual_seconds if own is None else own)
        mine = claim.take(self._spool, found, lease.name)
        if mine is None:
            self._lost_any = True
            return False
        return self._accept(mine, lease)

    def _lease_for(self, seconds: float) -> HeldLease:
        if self.lease is not None and self.lease.lease_seconds == seconds:
            return self.lease
        self._close_lease()
        self.lease = HeldLease(self._spool, claim.grant(self._spool, seconds, self._limit))
        self.lease.cover()  # by this round, until it ends
        return self.lease

    def _accept(self, mine: LeasedName, lease: HeldLease) -> bool | None:
        """Read the payload; what is not a task of ours goes back to where it was."""
        self._won.append(mine)
        task: bytes | None = None
        try:
            task = self._spool.fs.read(f"{layout.LEASED}/{mine}", self._eager_bytes)
        except TooLarge:
            pass  # read when it is asked for
        except Foreign as error:
            _log.warning("%s is foreign (%s): left alone", mine.id, error.reason)
            finish.put_back(self._spool, mine, mine.attempt - 1, None)
            return None
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
