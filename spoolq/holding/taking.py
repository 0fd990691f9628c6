"""One round of claims: jobs won so far, under a lease per term of seconds."""

from __future__ import annotations

from spoolq.disk.filesystem import Foreign, TooLarge
from spoolq.errors import SpoolqError
from spoolq.holding.job import EAGER_BYTES, Job
from spoolq.holding.lease import HeldLease
from spoolq.later import log_named
from spoolq.rules import layout
from spoolq.rules.names import PLAIN_ID_LENGTH, LeasedName, has_options
from spoolq.verbs import claim, finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.holding.keepalive import Keeper
    from spoolq.holding.spare import Spare
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.consumer")
_READY, _LEASED = layout.READY + "/", layout.LEASED + "/"


class Taking:
    """Takes tasks one by one; `end` it whatever happens, then hand out its `trusted_jobs`."""

    def __init__(self, spool: OpenSpool, keeper: Keeper, spare: Spare, limit: int) -> None:
        self._spool = spool
        self._keeper = keeper
        # NFS: a rename whose reply was lost may have been another's, who dropped our sidecar too.
        self._spare = None if spool.fs.is_network else spare
        self._limit = limit
        self._usual_seconds = spool.settings.lease_seconds
        self._eager_bytes = min(EAGER_BYTES, spool.settings.max_task_bytes)
        self._lost_any = False
        self._handed_over = 0
        # Whether something came under a lease and is not among the jobs.
        self._gone = False
        self._leases: list[HeldLease] = []
        self._began_at = self._seconds = 0.0
        self._is_unusual = False
        self.lease: HeldLease | None = None
        self.jobs: list[Job] = []
        self.at = 0

    def take(self, few: list[str]) -> bool | None:
        """Take tasks by their names in ready/, one after the other, until one is not to be had.

        Returns:
            True when all are ours now. Else `few[self.at]` is not: False when it was lost to
            somebody else, None when it is foreign; it is left where it was.
        """
        spool, keeper, jobs, lease = self._spool, self._keeper, self.jobs, self.lease
        fs, eager_bytes, began_at = spool.fs, self._eager_bytes, self._began_at
        name = few[0]
        # What the most common names come under: jobs never tried before, without options.
        usual = None if lease is None or self._is_unusual else f".1.{lease.name}"
        try:
            for name in few:
                if len(name) == PLAIN_ID_LENGTH and usual is not None:
                    job_id, attempt, mine = name, 1, name + usual
                else:
                    job_id, dot, attempts = name.partition(".")
                    lease = self._lease_for(job_id)
                    began_at = self._began_at
                    usual = None if self._is_unusual else f".1.{lease.name}"
                    attempt = int(attempts) + 1 if dot else 1
                    mine = f"{job_id}.{attempt}.{lease.name}"
                path = _LEASED + mine
                try:
                    fs.rename(_READY + name, path)
                except FileNotFoundError:
                    self._lost_any = True  # or ours, and the reply was lost: see `end`
                    return False
                try:
                    task: bytes | None = fs.read(path, eager_bytes)
                except TooLarge:
                    task = None  # read when it is asked for
                except BaseException as error:
                    self._gone = True
                    if isinstance(error, FileNotFoundError):
                        continue  # taken from us already (cancelled): nothing to hand out
                    if not isinstance(error, Foreign):
                        raise
                    _log.warning("%s is foreign (%s): left alone", name, error.reason)
                    held = LeasedName(job_id, attempt, mine.rpartition(".")[2])
                    finish.put_back(spool, held, attempt - 1, None)
                    return None
                jobs.append(Job(spool, keeper, mine, job_id, attempt, lease, task, began_at))
            return True
        finally:
            self.at = few.index(name)

    def _lease_for(self, job_id: str) -> HeldLease:
        seconds = self._usual_seconds
        if has_options(job_id):
            own = self._spool.meta(job_id).lease_seconds
            seconds = seconds if own is None else own
        if self.lease is not None and self._seconds == seconds:
            return self.lease
        self._close_lease()
        self._seconds, self._is_unusual = seconds, seconds != self._usual_seconds
        spare = self._spare
        lease = spare.take(seconds, self._limit) if spare is not None else None
        if lease is not None:
            self._began_at = self._spool.clock.now()
        else:
            lease = HeldLease(self._spool, claim.grant(self._spool, seconds, self._limit), spare)
            self._began_at = lease.granted_at
        self.lease = lease
        self._leases.append(lease)
        lease.cover()  # by this round, until it ends
        return lease

    def end(self) -> None:
        """The round is over: recover what a lost reply hid, and let go of the lease."""
        lease = self.lease
        if lease is not None and self._lost_any and self._spool.fs.is_network:
            known = {job.name for job in self.jobs}
            for held in list(claim.recovered(self._spool, lease.name, known)):
                self._recover(held, lease)
        self._close_lease()

    def _recover(self, held: LeasedName, lease: HeldLease) -> None:
        try:
            path = f"{layout.LEASED}/{held}"
            task: bytes | None = self._spool.fs.read(path, self._eager_bytes)
        except (Foreign, FileNotFoundError):
            task = None  # too large, foreign or gone: it is told when it is asked for
        name, at = str(held), self._began_at
        job = Job(self._spool, self._keeper, name, held.id, held.attempt, lease, task, at)
        self.jobs.append(job)

    def _close_lease(self) -> None:
        lease, self.lease = self.lease, None
        if lease is not None:
            taken = len(self.jobs) - self._handed_over
            self._handed_over += taken
            if taken:
                lease.cover(taken)
            lease.leave(for_good=not self._gone)

    def trusted_jobs(self) -> list[Job]:
        """The jobs to hand out. RACE: I5: frozen since the grant, a lease may be over by now."""
        now = self._spool.clock.local()
        if all(now < lease.trusted_until for lease in self._leases):
            return self.jobs
        handed = self.jobs
        while lost := [job for job in handed if job.lost]:
            # Giving one back can take longer than the lease of another lasts: all are asked again.
            handed = [job for job in handed if job not in lost]
            for job in lost:
                _give_back_unseen(job)
        return handed


def _give_back_unseen(job: Job) -> None:
    """A job whose lease ran out before it was handed out: its attempt does not count."""
    try:
        job.release()
    except SpoolqError as error:
        _log.info("job %s: lease over before it was handed out: %s", job.id, error)
