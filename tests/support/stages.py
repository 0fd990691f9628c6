"""The states a spool can be in when a move begins, each with one job (the target) that it is about.

All in memory, built once and copied. Beside the target two more jobs wait, which no move may harm.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spoolq import Job, Spool
from spoolq.disk.atomic import write_new
from spoolq.holding.lease import HeldLease
from spoolq.rules import layout, leases, names, records
from spoolq.verbs import terms, workers
from spoolq.verbs.claim import Granted
from support.memory_fs import HandTime, MemoryFileSystem
from support.memory_spool import USUAL, make_spool, open_memory_spool, predictable
from support.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE_SECONDS = 60.0
HOLDER = "holder"
LOGGED = b"what its command wrote"
WORKER, ASKED = "host-7-WORKERABCD", "host-8-ASKEDABCDE"


@dataclass
class Stage:
    """A spool in memory, what was acknowledged so far, and the target: its id and leased name."""

    fs: MemoryFileSystem
    record: Record
    target: str = ""
    leased: list[str] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    has_spool: bool = True

    def copy(self) -> Stage:
        """One that goes its own way."""
        return dataclasses.replace(self, fs=self.fs.copy(), record=self.record.copy())

    def open(self, owner: str) -> Spool:
        """As another process opens it."""
        return open_memory_spool(self.fs, self.fs.time, owner)

    def put(self, spool: Spool, payload: bytes, **options: Any) -> str:
        """Publish a job and remember it."""
        job_id = spool.publish(payload, **options)
        self.record.published(job_id, payload, options.get("key"))
        return job_id


def held_job(spool: Spool, leased: str) -> Job:
    """The Job of a leased file in the hands of the process that took it, as that would know it."""
    inside = spool._open
    held = names.parse_leased(leased)
    assert held is not None
    record = terms.read_lease(inside, held.lease, inside.clock.now())
    if record is None:
        return spool.leased_job(leased)
    started = inside.clock.local() - (inside.clock.now() - record.granted_at)
    lease = HeldLease(inside, Granted(record, leases.trusted_until(started, record.lease_seconds)))
    lease.cover()
    return Job.of_name(inside, spool._keeper, held, lease)


def _nothing(stage: Stage, spool: Spool) -> None:
    """Only the two that wait."""


def _ready(stage: Stage, spool: Spool) -> None:
    stage.target = stage.put(spool, b"target", priority=0)


def _with_options(stage: Stage, spool: Spool) -> None:
    options: dict[str, Any] = {"headers": {"a": "b"}, "lease_seconds": 2 * LEASE_SECONDS}
    stage.target = stage.put(spool, b"target", priority=0, key="k", **options)


def _delayed(stage: Stage, spool: Spool) -> None:
    stage.target = stage.put(spool, b"target", priority=0, delay=5.0)
    stage.fs.time.advance(6.0)


def _take(stage: Stage, spool: Spool) -> Job:
    job = spool.get_job(0)
    assert job.id == stage.target
    stage.record.taken(job, HOLDER, stage.fs.time.server)
    stage.leased = [job.name]
    return job


def _leased(stage: Stage, spool: Spool) -> None:
    _ready(stage, spool)
    _take(stage, stage.open(HOLDER))


def _leased_together(stage: Stage, spool: Spool) -> None:
    _ready(stage, spool)
    jobs = stage.open(HOLDER).get_jobs(2, 0)
    for job in jobs:
        stage.record.taken(job, HOLDER, stage.fs.time.server)
    stage.leased = [job.name for job in jobs]


def _leased_again(stage: Stage, spool: Spool) -> None:
    _ready(stage, spool)
    stage.open(HOLDER).get_job(0).fail("first attempt", delay=0)
    _take(stage, stage.open(HOLDER))


def _expired(stage: Stage, spool: Spool) -> None:
    _leased(stage, spool)
    stage.fs.time.advance(LEASE_SECONDS + 1)


def _expired_for_good(stage: Stage, spool: Spool) -> None:
    stage.target = stage.put(spool, b"target", priority=0, max_attempts=1)
    _take(stage, stage.open(HOLDER))
    stage.fs.time.advance(LEASE_SECONDS + 1)


def _without_sidecar(stage: Stage, spool: Spool) -> None:
    _leased(stage, spool)
    (held,) = map(names.parse_leased, stage.leased)
    assert held is not None
    stage.fs.unlink(layout.sidecar(held.lease))
    stage.record.held.clear()  # a sidecar is lost only with its machine, or by foreign hands


def _failed(stage: Stage, spool: Spool) -> None:
    stage.target = stage.put(spool, b"target", priority=0, key="k")
    _take(stage, stage.open(HOLDER)).fail("as planned", retry=False)
    stage.record.gave_up(stage.target)


def _done(stage: Stage, spool: Spool) -> None:
    stage.target = stage.put(spool, b"target", priority=0, key="k", headers={"a": "b"})
    _take(stage, stage.open(HOLDER)).done(b"result")
    stage.record.has_ended(stage.target, b"result")


def _two_done(stage: Stage, spool: Spool) -> None:
    """The target, with a log, and one that was published two seconds later."""
    _done(stage, spool)
    (held,) = map(names.parse_leased, stage.leased)
    assert held is not None
    log = names.LogName(stage.target, held.attempt, held.lease, "out")
    write_new(stage.fs, spool._open.clock, f"{layout.LOGS}/{log}", LOGGED, sync=True)
    stage.fs.time.advance(2.0)
    job_id = stage.put(spool, b"second", priority=0)
    spool.get_job(0).done(b"result of the second")
    stage.record.has_ended(job_id, b"result of the second")


def _worker(stage: Stage, spool: Spool) -> None:
    """A worker has told of itself once, and another one was asked to stop."""
    workers.tell(spool._open, WORKER, 1, worker_told(spool, 1))
    workers.ask_to_stop(spool._open, ASKED, now=True)
    stage.record.workers[WORKER] = 1
    stage.record.asked.add(ASKED)


def worker_told(spool: Spool, number: int) -> dict[str, object]:
    """What a worker says of itself; `done` is as many as its record's number."""
    now = spool._open.clock.now()
    return {"worker": WORKER, "at": records.to_iso(now), "every_seconds": 5, "done": number}


def _done_record_unplaced(stage: Stage, spool: Spool) -> None:
    """The holder died between the deciding rename and the placing of its record and result."""
    _done(stage, spool)
    lease = f"{HOLDER}-1-" + "A" * 10
    for kind in ("end", "result"):
        draft = names.DraftName(stage.target, 1, lease, kind)
        stage.fs.rename(f"{layout.DONE}/{stage.target}.{kind}", f"{layout.TMP}/{draft}")


def _key_without_job(stage: Stage, spool: Spool) -> None:
    """The publisher died when it had the key, before its job was visible."""
    stage.target = stage.put(spool, b"target", key="k")
    stage.fs.rename(f"{layout.READY}/{stage.target}", f"{layout.TMP}/{stage.target}")
    del stage.record.payloads[stage.target], stage.record.keys["k"]
    stage.record.attempted.add(b"target")


def _left_files(stage: Stage, spool: Spool) -> None:
    """Of processes that died while they wrote something: see `_leftovers`."""
    for suffix in ("task", "event"):
        name = f"{layout.TMP}/{spool._open.token()}.{suffix}"
        write_new(stage.fs, spool._open.clock, name, b"", sync=True)


def _left_job(stage: Stage, spool: Spool) -> None:
    """Of a publisher that died before its job was visible."""
    job_id = stage.put(spool, b"unfinished", headers={"a": "b"})
    stage.fs.rename(f"{layout.READY}/{job_id}", f"{layout.TMP}/{job_id}")
    del stage.record.payloads[job_id]
    stage.target = job_id


def _left_key(stage: Stage, spool: Spool) -> None:
    """Of a publisher that died on the way to a key."""
    inside = spool._open
    directory = f"{layout.TMP}/{inside.token()}.key"
    stage.fs.mkdir(directory)
    job_id = inside.new_id(5, options=True, now=inside.clock.now())
    write_new(stage.fs, inside.clock, f"{directory}/{job_id}", b"{}", sync=True)


def _left_sidecar(stage: Stage, spool: Spool) -> None:
    """Of a consumer that died before it took anything, and wrote nothing yet."""
    inside = spool._open
    write_new(stage.fs, inside.clock, layout.sidecar(inside.token()), b"", sync=True)


def _leftovers(stage: Stage, spool: Spool) -> None:
    """What processes that died at every possible place left behind, old enough to be swept."""
    for left in (_left_files, _left_job, _left_key, _left_sidecar, _done_record_unplaced):
        left(stage, spool)
    for suffix in ("grace", "record"):
        name = f"{layout.TMP}/{spool._open.token()}.{suffix}"
        write_new(stage.fs, spool._open.clock, name, b"", sync=True)
    _age(stage, spool)


def _age(stage: Stage, spool: Spool) -> None:
    stage.fs.time.advance(2 * spool.settings.sweep_seconds)


def _old(*made: Callable[[Stage, Spool], None]) -> Callable[[Stage, Spool], None]:
    """What is left behind, when it may be swept."""

    def stage_made(stage: Stage, spool: Spool) -> None:
        for make in made:
            make(stage, spool)
        _age(stage, spool)

    return stage_made


STAGES: dict[str, Callable[[Stage, Spool], None]] = {
    "nothing": _nothing,
    "ready": _ready,
    "ready with options": _with_options,
    "delayed": _delayed,
    "leased": _leased,
    "leased together": _leased_together,
    "leased again": _leased_again,
    "expired": _expired,
    "expired for good": _expired_for_good,
    "without sidecar": _without_sidecar,
    "failed": _failed,
    "done": _done,
    "two done": _two_done,
    "worker": _worker,
    "done, record unplaced": _done_record_unplaced,
    "key without job": _key_without_job,
    "key without job, old": _old(_key_without_job),
    "leftovers": _leftovers,
    "left files": _old(_left_files),
    "left job": _old(_left_job),
    "left key": _old(_left_key),
    "left sidecar": _old(_left_sidecar),
    "left record": _old(_done_record_unplaced),
}


def _no_directory(stage: Stage) -> None:
    stage.has_spool = stage.record.is_made = stage.fs.has_root = False


def _empty_directory(stage: Stage) -> None:
    stage.has_spool = stage.record.is_made = False


def _half_made(stage: Stage) -> None:
    """An earlier init died before it wrote the settings."""
    _empty_directory(stage)
    for directory in layout.DIRECTORIES:
        stage.fs.mkdir(directory)


NOT_YET = {
    "half made": _half_made,
    "no directory": _no_directory,
    "empty directory": _empty_directory,
}
"""Stages on which there is no spool yet."""


def build(
    name: str,
    *,
    durability: str = "full",
    make: Callable[[HandTime], MemoryFileSystem] = MemoryFileSystem,
) -> Stage:
    """A stage on a new file system; `make` makes it."""
    fs = make(HandTime())
    values: dict[str, object] = {"durability": durability, "lease_seconds": LEASE_SECONDS}
    stage = Stage(fs, Record(), values=USUAL | values)
    with predictable(name):
        if name in NOT_YET:
            NOT_YET[name](stage)
            return stage
        make_spool(fs, **values)
        spool = stage.open("setup")
        for payload in (b"kept 1", b"kept 2"):
            stage.put(spool, payload)
        STAGES[name](stage, spool)
    return stage
