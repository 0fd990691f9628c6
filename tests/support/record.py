"""What was acknowledged, and the one judge of all guarantees: does the spool keep to it?

`assert_guarantees` plays what comes after a fault: other processes go on with the spool, time
passes, leases end, leftovers are swept, everything is pruned. Nothing is repaired by hand.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spoolq import Job, JobStatus, SpoolqError
from spoolq.looking import crew
from spoolq.rules import layout, names
from spoolq.verbs import journal, opening, workers
from spoolq.verbs.locate import job_of
from support.memory_spool import USUAL, open_memory_spool

if TYPE_CHECKING:
    from spoolq import Spool
    from support.memory_fs import MemoryFileSystem

LONGER_THAN_ANY_TERM_SECONDS = 700.0
MOST_ROUNDS = 6
PUBLISHED, ENDED = "what was published is there", "what has ended stays ended"
EVERYTHING = frozenset({PUBLISHED, ENDED})


@dataclass
class Record:
    """Only what returned without an error is in here: everything else may or may not have been."""

    payloads: dict[str, bytes] = field(default_factory=dict)
    attempted: set[bytes] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    held: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Id -> who holds it, and until when."""
    keys: dict[str, str] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    may_be_pruned: set[str] = field(default_factory=set)
    paused: bool | None = False
    workers: dict[str, int] = field(default_factory=dict)
    """Worker -> the number of the last record that it told."""
    asked: set[str] = field(default_factory=set)
    """Workers that were asked to stop, at once."""
    is_made: bool = True
    """Whether there is a spool: `init` returned."""

    def published(self, job_id: str, payload: bytes, key: str | None = None) -> None:
        """`publish` returned this id."""
        if key is not None:
            if self.keys.get(key) in self.may_be_pruned:
                del self.keys[key]
            assert self.keys.setdefault(key, job_id) == job_id, "I3: two jobs of one key"
        self.payloads.setdefault(job_id, payload)

    def taken(self, job: Job, by: str, now: float) -> None:
        """`get_job` returned this job, or `extend` of it returned, at `now` (server seconds)."""
        assert job.id not in self.ended, "I4: given out after it had ended"
        holder, deadline = self.held.get(job.id, (by, now))
        assert holder == by or deadline <= now, f"I5: {holder} and {by} both hold {job.id}"
        self.held[job.id] = by, job.deadline.timestamp()

    def has_ended(self, job_id: str, result: bytes | None = None) -> None:
        """`done` or `cancel` returned."""
        self.ended.add(job_id)
        self.held.pop(job_id, None)
        if result is not None:
            self.results[job_id] = result

    def gave_up(self, job_id: str) -> None:
        """`fail` returned, and it was for good."""
        self.failed.add(job_id)
        self.held.pop(job_id, None)

    def given_back(self, job_id: str) -> None:
        """`fail`, `release` or `retry` returned: the job is to be given out again."""
        self.failed.discard(job_id)
        self.held.pop(job_id, None)

    def key(self) -> tuple[object, ...]:
        """What tells two of them apart, whatever the order in which they were written."""
        mappings = (self.payloads, self.held, self.keys, self.results, self.workers)
        sets = (self.attempted, self.ended, self.failed, self.may_be_pruned, self.asked)
        return (
            *(tuple(sorted(each.items())) for each in mappings),  # type: ignore[attr-defined]
            *(tuple(sorted(each)) for each in sets),  # type: ignore[type-var]
            self.paused,
            self.is_made,
        )

    def copy(self) -> Record:
        """One that goes its own way."""
        return Record(
            dict(self.payloads),
            set(self.attempted),
            set(self.ended),
            set(self.failed),
            dict(self.held),
            dict(self.keys),
            dict(self.results),
            set(self.may_be_pruned),
            self.paused,
            dict(self.workers),
            set(self.asked),
            self.is_made,
        )


def assert_clear(error: BaseException) -> None:
    """Fail unless it is one of spoolq's own errors and tells what is wrong in one line."""
    assert isinstance(error, SpoolqError), f"a raw {type(error).__name__}: {error}"
    text = str(error)
    assert text.strip(), f"{type(error).__name__} says nothing"
    assert "\n" not in text, text
    if isinstance(error, OSError) and error.errno:
        assert error.filename, f"no name in: {text}"


def assert_names(fs: MemoryFileSystem, record: Record, promised: frozenset[str]) -> None:
    """I1 and I6, as they must hold at every instant: one whole file with one name for each job."""
    places = Counter[str]()
    for path, content in fs.files().items():
        state, _, name = path.partition("/")
        if state not in layout.STATES or not name:
            continue
        job_id = job_of(state, name)
        if job_id is None:
            assert names.parse_sidecar(name) or names.parse_ended(name), f"foreign: {path}"
            continue
        places[job_id] += 1
        assert content is not None, f"{path} is no file"
        if PUBLISHED in promised:
            known = record.payloads.get(job_id)
            assert content == known or (known is None and content in record.attempted), (
                f"I6: {path} holds {content[:40]!r}, not what was published"
            )
    assert not [job_id for job_id, n in places.items() if n > 1], f"I1: several names: {places}"


class Aftermath:
    """Other processes, after whatever happened: they take, do and tidy up everything."""

    def __init__(self, fs: MemoryFileSystem, record: Record, promised: frozenset[str]) -> None:
        self.fs = fs
        self.record = record
        self.promised = promised
        if not fs.has_root or layout.SETTINGS not in fs.list(""):
            assert not record.is_made, "the spool is gone"
            opening.create(fs.root, USUAL, fs)  # trying again is all that is to be done
        self.spool: Spool = open_memory_spool(fs, fs.time, "survivor")
        self.served = Counter[str]()

    def check(self) -> None:
        """All of it."""
        self._check_pause()
        self._check_workers()
        self._serve()
        self._serve_until_idle()
        self._check_all_are_there()
        self._check_keys()
        assert_names(self.fs, self.record, self.promised)
        self._check_tidy()

    def _check_pause(self) -> None:
        if self.record.paused is not None:
            assert (self.spool.stats().paused is not None) == self.record.paused, "pause"
        if self.spool.stats().paused is not None:
            assert self.spool.get_jobs(9, 0) == [], "given out while paused"
            assert self.spool.resume()

    def _check_workers(self) -> None:
        inside = self.spool._open
        told = {worker.name: worker.done for worker in crew.workers(inside)}
        for worker, number in self.record.workers.items():
            assert told.get(worker, 0) >= number, f"{worker} was heard of, and is not to be seen"
        for worker in self.record.asked:
            assert workers.stop_asked(inside, worker) is True, f"{worker} does not hear the stop"
        for attempt in journal.read(inside):
            assert attempt.outcome == "done", f"the journal tells what was never noted: {attempt}"

    def _serve(self) -> None:
        while jobs := self.spool.get_jobs(3, 0):
            for job in jobs:
                self._judge(job)
                job.done()
                self.served[job.id] += 1
                assert self.served[job.id] == 1, f"I4: {job.id} was given out after done returned"

    def _judge(self, job: Job) -> None:
        if ENDED in self.promised:
            assert job.id not in self.record.ended, f"I4: {job.id} has ended and is given out again"
        holder, deadline = self.record.held.get(job.id, ("nobody", -math.inf))
        assert deadline <= self.fs.time.server, f"I5: {holder} holds {job.id} until {deadline}"
        if PUBLISHED in self.promised:
            known = self.record.payloads.get(job.id)
            assert job.task == known or (known is None and job.task in self.record.attempted), "I6"

    def _serve_until_idle(self) -> None:
        for _ in range(MOST_ROUNDS):
            stats = self.spool.stats()
            if stats.ready == stats.leased == stats.delayed == 0:
                return
            self.fs.time.advance(LONGER_THAN_ANY_TERM_SECONDS)
            self._serve()
        raise AssertionError(f"I3: stuck without repair by hand: {self.fs.files().keys()}")

    def _check_all_are_there(self) -> None:
        for job_id in self.record.payloads if PUBLISHED in self.promised else ():
            info = self.spool.get(job_id)
            pruned = info.status is JobStatus.UNKNOWN and job_id in self.record.may_be_pruned
            assert pruned or info.outcome in {"done", "cancelled", "failed"}, f"I3: lost: {info}"
            if job_id in self.record.failed and ENDED in self.promised:
                assert pruned or info.outcome == "failed", info
            result = self.record.results.get(job_id)
            if result is not None and ENDED in self.promised and not pruned:
                assert self.spool.result(job_id) == result, f"I6: result of {job_id}"

    def _check_keys(self) -> None:
        for key, job_id in self.record.keys.items() if PUBLISHED in self.promised else ():
            if job_id in self.record.may_be_pruned:
                continue
            again = self.spool.publish(b"again", key=key)
            assert again == job_id, f"key {key}: {again} beside {job_id}"

    def _check_tidy(self) -> None:
        for _ in range(2):
            self.fs.time.advance(2 * self.spool.settings.sweep_seconds)
            self._serve()
            self.spool.reap()
            self.spool.prune(0, failed=True)
        upkeep = (f"{layout.LOCKS}/", f"{layout.JOURNAL}/")
        files = {p: content for p, content in self.fs.files().items() if not p.startswith(upkeep)}
        left = [path for path, content in files.items() if content is not None]
        left += [path for path in files if path.startswith(f"{layout.KEYS}/")]
        assert left == [layout.SETTINGS], f"left over: {left}"


_judged: set[bytes] = set()


def assert_guarantees(
    fs: MemoryFileSystem, record: Record, promised: frozenset[str] = EVERYTHING
) -> None:
    """Fail unless every guarantee holds from here on, whatever has happened before.

    The same files and the same acknowledgements are judged once: most faults end alike.
    """
    told = repr((fs.key(), record.key(), sorted(promised))).encode()
    case = hashlib.blake2b(told, digest_size=16).digest()
    if case in _judged:
        return
    assert_names(fs, record, promised)
    Aftermath(fs, record, promised).check()
    _judged.add(case)
