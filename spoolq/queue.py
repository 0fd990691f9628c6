"""Spool: the class users hold. Verbs, waiting and leases put together; no decisions of its own."""

from __future__ import annotations

from functools import partial

from spoolq.disk import chance, identity
from spoolq.errors import Closed, Empty, PublishOnly, UnknownJob
from spoolq.holding.intake import Intake
from spoolq.holding.storage import tell, telling_storage_errors
from spoolq.later import Later, log_named
from spoolq.rules import names, tasks
from spoolq.rules.settings import checked_count, checked_seconds
from spoolq.rules.tasks import checked_options
from spoolq.verbs import opening, publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Self

    from spoolq import jobs
    from spoolq.disk.identity import PathLike
    from spoolq.holding import consumer, ending, job, keepalive
    from spoolq.holding.consumer import Consumer
    from spoolq.holding.job import Job
    from spoolq.jobs import JobInfo, JobStatus, PruneReport, ReapReport, Stats
    from spoolq.rules import retention
    from spoolq.rules.settings import Settings
    from spoolq.verbs import cancel, history, keys, listing, locate, pause, prune, reap, sweep
    from spoolq.verbs.context import OpenSpool
else:
    # `spoolq put` starts in half the time without what only takers and lookers need.
    jobs, retention = Later("spoolq.jobs"), Later("spoolq.rules.retention")
    consumer, ending, job, keepalive = (
        Later(f"spoolq.holding.{name}") for name in ("consumer", "ending", "job", "keepalive")
    )
    cancel, history, keys, listing = (
        Later(f"spoolq.verbs.{name}") for name in ("cancel", "history", "keys", "listing")
    )
    locate, pause, prune, reap, sweep = (
        Later(f"spoolq.verbs.{name}") for name in ("locate", "pause", "prune", "reap", "sweep")
    )

_log = log_named("spoolq")


class Spool:
    """A job queue whose server is a directory.

    Safe to share between threads. After a fork the child may go on using its copy; a pickled
    Spool opens the same directory anew. `owner` names the holder in leases (default:
    `<host>-<pid>`); with `publish_only` it cannot take jobs.

    Raises:
        SpoolNotFound: there is no spool at `path`.
        SpoolDamaged, SpoolVersionUnsupported: there is one that cannot be used.
        SpoolUntrusted: strangers can write to it.
        SpoolUnsafe: it lies on a soft NFS mount (SPOOLQ_ALLOW_SOFT=1 allows that).
    """

    @telling_storage_errors
    def __init__(
        self,
        path: str | PathLike[str],
        *,
        owner: str | None = None,
        publish_only: bool = False,
    ) -> None:
        self.path = identity.absolute(path)
        self._given_owner = owner
        self._publish_only = publish_only
        self._closed = False
        self._open = opening.open_spool(self.path, owner)
        self._begin()

    def _begin(self) -> None:
        self._forks = chance.forks
        self._intake = Intake(self._open)
        if not self._publish_only:
            self._keeper = keepalive.Keeper(self._open.clock.local)
            self._consumer = consumer.Consumer(self._open, self._keeper)

    @classmethod
    @telling_storage_errors
    def create(cls, path: str | PathLike[str], **settings: Any) -> Self:
        """Make a spool with these settings (see `Settings`) and open it.

        Raises:
            InvalidSetting: a setting that makes no sense; nothing was made.
            SpoolExists: there is a spool already, or something else in the way.
            StorageError: the file system refused.
        """
        opening.create(identity.absolute(path), settings)
        return cls(path)

    def __reduce__(self) -> tuple[Any, ...]:
        begun = partial(type(self), owner=self._given_owner, publish_only=self._publish_only)
        return (begun, (self.path,))

    def __repr__(self) -> str:
        return f"<spoolq.Spool {self.path}{' (closed)' if self._closed else ''}>"

    @property
    def settings(self) -> Settings:
        """What spool.json decided when this Spool was opened."""
        return self._open.settings

    @property
    def owner(self) -> str:
        """Who holds the leases that this Spool takes."""
        return self._here().owner

    def _here(self) -> OpenSpool:
        if self._closed:
            raise Closed("this Spool is closed")
        if self._forks != chance.forks:
            # A fork took a copy of locks, threads and events that are the parent's.
            self._open.owner = self._given_owner or opening.default_owner()
            self._begin()
        return self._open

    def _taking(self) -> Consumer:
        if self._publish_only:
            raise PublishOnly("this Spool was opened with publish_only=True")
        self._here()
        return self._consumer

    # ----- publishing

    def publish(
        self,
        task: bytes,
        *,
        priority: int = 5,
        delay: float = 0.0,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        lease_seconds: float | None = None,
        max_attempts: int | None = None,
        timeout: float | None = 0.0,
    ) -> str:
        """Store a task and return its job id; from then on the job is never lost.

        Args:
            task: the payload, at most `max_task_bytes` bytes.
            priority: 0 (first) to 9 (last).
            delay: seconds before it may be taken.
            key: unique key; while a job of that key is kept, its id is returned and nothing stored.
            headers: texts that travel with the task (16 KiB in all).
            lease_seconds: how long this job is leased for, instead of the spool's setting.
            max_attempts: attempts after which this job gives up, instead of the spool's setting.
            timeout: how long to wait while the spool is full (None: for ever).

        Raises:
            InvalidTask: a payload or option that cannot be.
            Full: more would wait than max_waiting or max_bytes allow.
            StorageFull, StorageError: the file system refused; nothing was published.
        """
        try:  # each call less counts here: two are a thirtieth of a publish
            spool, most, intake = self._here(), self._open.settings.max_task_bytes, self._intake
            options = checked_options(priority, delay, key, headers, lease_seconds, max_attempts)
            if type(task) is not bytes or len(task) > most:
                task = tasks.checked_task(task, most)
            asks = intake.is_limited or timeout != 0.0 or spool.clock.local() >= intake.look_at
            if asks and not (key and intake.is_limited and keys.held_by(spool, key)):
                intake.admit(1, len(task), timeout)
            if options.is_plain:
                return publish.publish_plain(spool, task, options.priority)
            return publish.publish(spool, task, options)
        except OSError as error:
            tell(error)

    @telling_storage_errors
    def publish_many(
        self,
        tasks_given: Iterable[bytes],
        *,
        priority: int = 5,
        delay: float = 0.0,
        headers: Mapping[str, str] | None = None,
        lease_seconds: float | None = None,
        max_attempts: int | None = None,
        timeout: float | None = 0.0,
    ) -> list[str]:
        """Store many tasks in order, as one durable batch; options as for `publish`.

        Raises:
            InvalidTask: one of them cannot be; none was published.
            Full: there is no room for all of them; none was published.
            StorageFull, StorageError: the file system refused; none was acknowledged, and those
                that nobody had taken yet were taken back.
        """
        spool = self._here()
        options = checked_options(priority, delay, None, headers, lease_seconds, max_attempts)
        most = spool.settings.max_task_bytes
        payloads = [tasks.checked_task(task, most) for task in tasks_given]
        self._intake.admit(len(payloads), sum(map(len, payloads)), timeout)
        return publish.publish_many(spool, payloads, options)

    # ----- taking

    def get_job(self, timeout: float | None = None) -> Job:
        """Take the next task, waiting up to `timeout` seconds (None: for ever, 0: not at all).

        Raises:
            Empty: none came before the wait was over.
            Closed: the Spool was closed, before or meanwhile.
            PublishOnly: this Spool only publishes.
            StorageError: the file system refused.
        """
        if jobs := self.get_jobs(1, timeout):
            return jobs[0]
        raise Empty(f"no job in {self.path}")

    @telling_storage_errors
    def get_jobs(self, limit: int, timeout: float | None = None) -> list[Job]:
        """Take up to `limit` tasks under one lease, waiting as `get_job` does for the first.

        Returns:
            The jobs in the order they are to be done in; [] when the wait was over.

        Raises: as `get_job`, but not Empty; InvalidSetting for a limit below 1.
        """
        consumer = self._taking()
        checked_count("limit", limit, 1, 10**6)
        if timeout is not None:
            timeout = checked_seconds("timeout", timeout)
        return consumer.get(limit, timeout)

    def jobs(self, idle_timeout: float | None = None) -> Iterator[Job]:
        """Take tasks one after the other, until none comes for `idle_timeout` seconds.

        Ends quietly when the Spool is closed meanwhile. Raises otherwise as `get_job`.
        """
        while True:
            try:
                yield self.get_job(idle_timeout)
            except (Empty, Closed):
                return

    @telling_storage_errors
    def leased_job(self, name: str) -> Job:
        """The job of a leased file's name `<id>.<attempt>.<lease>`, or of a bare lease's name.

        For holders in several processes, as shell scripts are. Whether the file is still there
        shows when the job is ended.

        Raises:
            InvalidName: neither, or a lease that covers several tasks: name the file then.
            LeaseLost: no task is under that lease (any more).
        """
        spool = self._here()
        held = names.parse_leased(name)
        if held is None:
            held = locate.only_task_under(spool, name)
        keeper = keepalive.Keeper(spool.clock.local) if self._publish_only else self._keeper
        return job.Job.of_name(spool, keeper, held)

    def done_many(self, jobs: Iterable[Job]) -> None:
        """As `done()` of each, in order, as one durable batch: one sync of done/ for all.

        Raises:
            LeaseLost: somebody else has one of them (`job.lost`), or had; all others are done.
            StorageError: the file system refused; those that are not done stay with their leases.
        """
        ending.done_together(jobs)

    # ----- looking and controlling

    @telling_storage_errors
    def get(self, job_id: str) -> JobInfo:
        """Tell where a job is, without touching it; status UNKNOWN when it is nowhere."""
        return listing.get(self._here(), job_id)

    @telling_storage_errors
    def cancel(self, job_id: str) -> JobInfo:
        """See that no further run of the job comes; a running one is not interrupted.

        Returns:
            The job as it is now: DONE with outcome "cancelled"; unchanged when it had ended
            before; UNKNOWN when there is none.
        """
        spool = self._here()
        if names.is_job_id(job_id):
            cancel.cancel(spool, job_id)
        return listing.get(spool, job_id)

    @telling_storage_errors
    def retry(self, job_id: str) -> JobInfo:
        """Let a failed job start over at attempt 1; its history stays. Other jobs are unchanged.

        Raises:
            UnknownJob: no such job.
        """
        spool = self._here()
        if not names.is_job_id(job_id) or cancel.retry(spool, job_id) is None:
            raise UnknownJob(job_id)
        return listing.get(spool, job_id)

    def list(self, status: JobStatus | None = None) -> Iterator[JobInfo]:
        """All jobs (of one status), state by state, each in the order of its names; every job once."""
        spool = self._here()
        try:
            yield from listing.each(spool, status)
        except OSError as error:
            tell(error)

    @telling_storage_errors
    def stats(self) -> Stats:
        """Counts per state, the age of the oldest waiting job in seconds, and whether paused."""
        return listing.stats(self._here())

    @telling_storage_errors
    def details(self, job_id: str) -> dict[str, Any]:
        """Everything the spool knows of a job, as JSON values: options, lease, end, history.

        Raises:
            UnknownJob: no such job.
        """
        return listing.details(self._here(), job_id)

    @telling_storage_errors
    def history(self, job_id: str) -> list[dict[str, Any]]:  # type: ignore[valid-type]
        """Abnormal events of a job, oldest first: expiries, failures, retries, cancellation."""
        spool = self._here()
        return history.events(spool, job_id) if names.is_job_id(job_id) else []

    @telling_storage_errors
    def result(self, job_id: str) -> bytes | None:
        """The bytes that `done(result)` left; None when it left none, or the job is not done.

        Raises:
            UnknownJob: no such job.
            InvalidTask: larger than max_task_bytes.
        """
        return listing.result(self._here(), job_id)

    # ----- upkeep

    @telling_storage_errors
    def reap(self) -> ReapReport:
        """Give expired leases back, promote due tasks, sweep leftovers; consumers do so anyway."""
        spool = self._here()
        done = reap.Reaper(spool).run_once()
        swept = done.swept + sweep.sweep_tmp(spool)
        return jobs.ReapReport(done.returned, done.promoted, done.failed, swept)

    @telling_storage_errors
    def prune(
        self,
        older_than_seconds: float | None = None,
        failed: bool = False,
        *,
        keep_jobs: int | None = None,
        keep_bytes: int | None = None,
    ) -> PruneReport:
        """Remove done jobs beyond an age, a number or a size, with all that is theirs.

        Default: the spool's retention. Failed jobs are kept unless `failed`, and go by age only.
        Raises InvalidSetting for a bound that makes no sense.
        """
        spool = self._here()
        keep = retention.chosen(spool.settings, older_than_seconds, keep_jobs, keep_bytes)
        removed = prune.prune(spool, keep, failed=failed)
        sweep.sweep_records(spool)
        return jobs.PruneReport(removed)

    @telling_storage_errors
    def pause(self, reason: str = "") -> None:
        """No host gives out jobs until `resume`; the reason is shown by `stats` and `status`."""
        pause.pause(self._here(), reason)

    @telling_storage_errors
    def resume(self) -> bool:
        """Let jobs be given out again. Returns whether the spool was paused."""
        return pause.resume(self._here())

    def close(self) -> None:
        """End this Spool: blocked callers get Closed. Held jobs stay with their holders."""
        self._closed = True
        if self._forks == chance.forks:
            self._intake.close()
            if not self._publish_only:
                self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def internals(spool: Spool) -> OpenSpool:
    """The open spool inside, for the floors of spoolq above this one; not part of the public API.

    Raises:
        Closed: the Spool was closed.
    """
    return spool._here()
