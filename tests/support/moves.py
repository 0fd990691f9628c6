"""Every move of the protocol: the stage it begins on, what it does, what it acknowledges.

A move is called with the process that makes it. It writes into the record what returned without
an error, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spoolq import Empty, JobStatus, SpoolExists
from spoolq.holding.renewing import renew_together
from spoolq.holding.storage import telling_storage_errors
from spoolq.rules import names
from spoolq.verbs import journal, logs, opening, workers
from support.memory_fs import NOWHERE
from support.stages import ASKED, HOLDER, LOGGED, WORKER, Stage, held_job, worker_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Job, Spool
    from spoolq.disk.filesystem import FileSystem
    from spoolq.verbs.context import OpenSpool
    from support.record import Record

OTHER = "other"


@dataclass
class Process:
    """One process at work: its Spool, if there is one, the stage as it was, what it was told."""

    fs: FileSystem
    spool: Spool
    stage: Stage
    record: Record
    is_alone: bool = True
    _jobs: list[Job] = field(default_factory=list)

    @property
    def inside(self) -> OpenSpool:
        """For moves below the Spool."""
        return self.spool._open

    @property
    def target(self) -> str:
        """The id of the job that the stage is about."""
        return self.stage.target

    def jobs(self) -> list[Job]:
        """The jobs that this process holds since before the move began."""
        self._jobs = self._jobs or [held_job(self.spool, name) for name in self.stage.leased]
        return self._jobs

    @property
    def job(self) -> Job:
        """The one job that it holds."""
        return self.jobs()[0]

    def takes(self, job: Job) -> None:
        """It was told that it has this job."""
        self.record.taken(job, self.spool.owner, self.stage.fs.time.server)


@dataclass(frozen=True)
class Move:
    """`act` on a stage, as the holder of its target or as another process.

    `again`: after an error that is over, doing the same once more must succeed. `finds`: what a
    move that only looks must find, whatever goes wrong, unless it says that something did.
    """

    name: str
    stage: str
    act: Callable[[Process], object]
    owner: str = OTHER
    again: bool = True
    finds: object = None


def _publish(**options: object) -> Callable[[Process], object]:
    def act(process: Process) -> None:
        process.record.attempted.add(b"new")
        key = options.get("key")
        job_id = process.spool.publish(b"new", **options)  # type: ignore[arg-type]
        kept = key is not None and job_id == process.target
        process.record.published(job_id, b"target" if kept else b"new", key)  # type: ignore[arg-type]

    return act


def _publish_many(**options: object) -> Callable[[Process], object]:
    def act(process: Process) -> None:
        process.record.attempted |= {b"new 1", b"new 2", b"new 3"}
        payloads = [b"new 1", b"new 2", b"new 3"]
        ids = process.spool.publish_many(payloads, **options)  # type: ignore[arg-type]
        assert len(set(ids)) == 3
        for job_id, payload in zip(ids, payloads, strict=True):
            process.record.published(job_id, payload)

    return act


def claim(process: Process) -> object:
    """Take one job."""
    try:
        job = process.spool.get_job(0)
    except Empty:
        return None
    process.takes(job)
    return job.id


def _claim_many(process: Process) -> object:
    jobs = process.spool.get_jobs(3, 0)
    for job in jobs:
        process.takes(job)
    return [job.id for job in jobs]


def _renew(seconds: float | None) -> Callable[[Process], object]:
    def act(process: Process) -> None:
        process.job.extend(seconds)
        process.takes(process.job)

    return act


def _renew_together(process: Process) -> None:
    for job in renew_together(process.jobs(), 90.0):
        if not job.lost:
            process.takes(job)


def _done(result: bytes | None) -> Callable[[Process], object]:
    def act(process: Process) -> None:
        process.job.done(result)
        # Beside rivals a quiet success may mean that somebody else's done counts, without a result.
        process.record.has_ended(process.target, result if process.is_alone else None)

    return act


def _done_together(process: Process) -> None:
    jobs = process.jobs()
    process.spool.done_many(jobs)
    for job in jobs:
        process.record.has_ended(job.id)


def _fail(delay: float | None) -> Callable[[Process], object]:
    def act(process: Process) -> None:
        process.record.given_back(process.target)
        process.job.fail("on purpose", delay=delay)

    return act


def _fail_for_good(process: Process) -> None:
    process.job.fail("on purpose", retry=False)
    process.record.gave_up(process.target)


def _release(delay: float) -> Callable[[Process], object]:
    def act(process: Process) -> None:
        process.record.given_back(process.target)
        process.job.release(delay)

    return act


def cancel(process: Process) -> str:
    """Cancel the target."""
    info = process.spool.cancel(process.target)
    assert info.status in {JobStatus.DONE, JobStatus.FAILED} or _may_be_gone(process, info.status)
    if info.outcome in {"done", "cancelled"}:
        process.record.has_ended(process.target)
    return info.status.name


def _may_be_gone(process: Process, status: JobStatus) -> bool:
    return status is JobStatus.UNKNOWN or not process.is_alone  # retried or pruned meanwhile


def _retry(process: Process) -> str:
    process.record.given_back(process.target)
    return process.spool.retry(process.target).status.name


def _reap(process: Process) -> object:
    return process.spool.reap()


def _prune(*, failed: bool) -> Callable[[Process], object]:
    def act(process: Process) -> object:
        # What has ended when it begins may go, whether it returns or not.
        process.record.may_be_pruned |= process.record.ended | {process.target}
        return process.spool.prune(0, failed=failed)

    return act


def get(process: Process) -> str:
    """Look at the target."""
    info = process.spool.get(process.target)
    return info.status.name


def _get_end(process: Process) -> object:
    info = process.spool.get(process.target)
    return info.status.name, info.outcome, info.owner


def _result(process: Process) -> object:
    return process.spool.result(process.target)


def _look(process: Process) -> object:
    """All that looks without touching."""
    stats = process.spool.stats()
    told = process.spool.details(process.target)
    process.spool.history(process.target)
    found = {info.id for info in process.spool.list()}
    return stats.done, told["state"], told["end"] is None, found == set(process.record.payloads)


def _pause(process: Process) -> None:
    process.record.paused = None
    process.spool.pause("for a reason")
    process.record.paused = True


def _resume(process: Process) -> None:
    process.record.paused = None
    process.spool.pause("for a reason")
    process.spool.resume()
    process.record.paused = False


@telling_storage_errors
def _init(process: Process) -> str:
    try:
        opening.create(NOWHERE, process.stage.values, process.fs)
    except SpoolExists:
        return "there is one already"  # made by another, or by the try that was told an error
    process.record.is_made = True
    return "made"


def _keep_one(process: Process) -> None:
    process.record.may_be_pruned |= process.record.ended
    process.spool.prune(keep_jobs=1)


def _keep_bytes(process: Process) -> None:
    process.record.may_be_pruned |= process.record.ended
    process.spool.prune(keep_bytes=1)


@telling_storage_errors
def _log(process: Process) -> object:
    found = logs.of_job(process.inside, process.target)
    return tuple(logs.read(process.inside, log.name, 0, 100) for log in found)


@telling_storage_errors
def _journal(process: Process) -> None:
    """Two writes, the second to the same file. It never fails: statistics stop no work."""
    inside = process.inside
    inside.settings = inside.settings._replace(journal_seconds=3600.0)
    held = names.LeasedName(
        process.stage.target or "5-20260921T143000000002-AAAAAAAA", 1, "h-1-AAAAAAAAAA"
    )
    writer = journal.Journal(inside)
    for _ in range(2):
        writer.note("done", held.id, held.attempt, inside.clock.now())
        writer.write()


@telling_storage_errors
def _tell(process: Process) -> None:
    workers.tell(process.inside, WORKER, 2, worker_told(process.spool, 2))
    process.record.workers[WORKER] = 2


def _leave(process: Process) -> None:
    process.record.workers.pop(WORKER, None)
    workers.leave(process.inside, WORKER, 1)


@telling_storage_errors
def _ask_to_stop(process: Process) -> None:
    workers.ask_to_stop(process.inside, "host-9-OTHERABCDE", now=True)
    process.record.asked.add("host-9-OTHERABCDE")


@telling_storage_errors
def _stop_asked(process: Process) -> object:
    return workers.stop_asked(process.inside, ASKED)


ENDED_WELL = ("DONE", "done", HOLDER)
MOVES = (
    Move("init", "no directory", _init),
    Move("init in an empty directory", "empty directory", _init),
    Move("init after one that died", "half made", _init),
    Move("publish", "nothing", _publish()),
    Move("publish with options", "nothing", _publish(headers={"a": "b"}, lease_seconds=5.0)),
    Move("publish delayed", "nothing", _publish(delay=5.0)),
    Move("publish with key", "nothing", _publish(key="k")),
    Move("publish with key delayed", "nothing", _publish(key="k", delay=5.0)),
    Move("publish with key taken", "ready with options", _publish(key="k")),
    Move("publish with key of a dead publisher", "key without job", _publish(key="k")),
    Move("publish many", "nothing", _publish_many()),
    Move("publish many with options", "nothing", _publish_many(headers={"a": "b"})),
    Move("claim", "ready", claim),
    Move("claim with options", "ready with options", claim),
    Move("claim many", "ready", _claim_many),
    Move("claim many with options", "ready with options", _claim_many),
    Move("claim from expired", "expired", claim),
    Move("claim from delayed", "delayed", claim),
    Move("renew", "leased", _renew(None), HOLDER, again=False),
    Move("renew for long", "leased", _renew(10 * 60.0), HOLDER, again=False),
    Move("renew expired", "expired", _renew(None), HOLDER, again=False),
    Move("renew together", "leased together", _renew_together, HOLDER, again=False),
    Move("done", "leased", _done(None), HOLDER),
    Move("done with result", "leased", _done(b"result"), HOLDER),
    Move("done at second attempt", "leased again", _done(None), HOLDER),
    Move("done late", "expired", _done(b"result"), HOLDER),
    Move("done of one of two", "leased together", _done(None), HOLDER),
    Move("done together", "leased together", _done_together, HOLDER),
    Move("fail", "leased", _fail(None), HOLDER, again=False),
    Move("fail without delay", "leased", _fail(0.0), HOLDER, again=False),
    Move("fail for good", "leased", _fail_for_good, HOLDER, again=False),
    Move("release", "leased", _release(0.0), HOLDER, again=False),
    Move("release for later", "leased again", _release(5.0), HOLDER, again=False),
    Move("cancel ready", "ready", cancel),
    Move("cancel delayed", "delayed", cancel),
    Move("cancel leased", "leased", cancel),
    Move("cancel done", "done", cancel),
    Move("retry", "failed", _retry),
    Move("reap expired", "expired", _reap),
    Move("reap expired for good", "expired for good", _reap),
    Move("reap without sidecar", "without sidecar", _reap),
    Move("reap delayed", "delayed", _reap),
    Move("sweep", "leftovers", _reap),
    Move("prune", "done", _prune(failed=False)),
    Move("prune leftovers", "leftovers", _prune(failed=False)),
    Move("prune failed", "failed", _prune(failed=True)),
    Move("get ready", "ready", get, finds="READY"),
    Move("get leased", "leased", get, finds="PROCESSING"),
    Move("get done", "done", _get_end, finds=ENDED_WELL),
    Move("get done, record unplaced", "done, record unplaced", _get_end, finds=ENDED_WELL),
    Move("result", "done", _result, finds=b"result"),
    Move("result unplaced", "done, record unplaced", _result, finds=b"result"),
    Move("look", "leased", _look, finds=(0, "leased", True, True)),
    Move("look at the end", "done, record unplaced", _look, finds=(1, "done", False, True)),
    Move("publish many delayed", "nothing", _publish_many(delay=5.0)),
    Move("prune to keep one", "two done", _keep_one),
    Move("prune to keep bytes", "two done", _keep_bytes),
    Move("look at logs", "two done", _log, finds=(LOGGED,)),
    Move("journal", "nothing", _journal),
    Move("worker tells", "worker", _tell),
    Move("worker leaves", "worker", _leave),
    Move("ask to stop", "worker", _ask_to_stop),
    Move("stop asked", "worker", _stop_asked, finds=True),
    Move("pause", "ready", _pause),
    Move("resume", "ready", _resume),
)
BY_NAME = {move.name: move for move in MOVES}
