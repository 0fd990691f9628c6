"""The spool against a small model: a dict of what each job must be after every step."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)
from support.spools import assert_spool_sound, assert_spool_tidy
from support.waits import eventually

from spoolq import Empty, Job, JobStatus, LeaseLost, Spool, UnknownJob

READY, LEASED, DELAYED, DONE, CANCELLED, FAILED = (
    "ready", "leased", "delayed", "done", "cancelled", "failed",
)  # fmt: skip
STATUS = {
    READY: JobStatus.READY,
    LEASED: JobStatus.PROCESSING,
    DELAYED: JobStatus.DELAYED,
    DONE: JobStatus.DONE,
    CANCELLED: JobStatus.DONE,
    FAILED: JobStatus.FAILED,
}
FAR = 5000.0  # seconds: no delay and no lease ends within a test unless the test says so


@dataclass
class Model:
    """What one job must be."""

    task: bytes
    priority: int
    headers: dict[str, str]
    max_attempts: int
    state: str = READY
    counted: int = 0
    key: str | None = None
    result: bytes | None = None
    holder: int = 0  # which grant is the one in force
    events: list[str] = field(default_factory=list)


@dataclass
class Held:
    """A Job as some holder has it, the grant it believes in, and how it ended that itself."""

    job: Job
    grant: int
    ended: str | None = None


class SpoolMachine(RuleBasedStateMachine):
    """Random moves by one process; threads and processes have tests of their own."""

    jobs = Bundle("jobs")
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp(prefix="spoolq-model-")
        self.spool = Spool.create(
            f"{self.directory}/spool", durability="off", lease_seconds=FAR, max_attempts=0
        )
        self.model: dict[str, Model] = {}
        self.keys: dict[str, str] = {}
        self.grants = 0
        self.paused = False

    def teardown(self) -> None:
        """Close and remove the directory."""
        self.spool.close()
        shutil.rmtree(self.directory)

    def waiting(self) -> list[str]:
        """The ids in ready/ in the order they must come: priority, then age."""
        return sorted(job_id for job_id, model in self.model.items() if model.state == READY)

    @initialize(target=jobs)
    def first(self) -> str:
        return self._publish(b"first", 5, {}, 0, None, 0)

    def _publish(
        self,
        task: bytes,
        priority: int,
        headers: dict[str, str],
        max_attempts: int,
        key: str | None,
        delay: float,
    ) -> str:
        job_id = self.spool.publish(
            task,
            priority=priority,
            headers=headers,
            max_attempts=max_attempts or None,
            key=key,
            delay=delay,
        )
        if key is not None and key in self.keys:
            assert job_id == self.keys[key]
            return job_id
        assert job_id not in self.model
        state = DELAYED if delay else READY
        self.model[job_id] = Model(task, priority, headers, max_attempts, state, key=key)
        if key is not None:
            self.keys[key] = job_id
        return job_id

    @rule(
        target=jobs,
        task=st.binary(max_size=20),
        priority=st.integers(0, 9),
        headers=st.dictionaries(st.text("ab", min_size=1), st.text("xyz"), max_size=2),
        max_attempts=st.sampled_from([0, 0, 1, 2]),
        key=st.sampled_from([None, None, "k1", "k2"]),
        delay=st.sampled_from([0.0, 0.0, FAR]),
    )
    def publish(self, **options: Any) -> str:
        return self._publish(**options)

    @rule(tasks=st.lists(st.binary(max_size=5), max_size=4), priority=st.integers(0, 9))
    def publish_many(self, tasks: list[bytes], priority: int) -> None:
        ids = self.spool.publish_many(tasks, priority=priority)
        assert ids == sorted(ids)
        assert len(ids) == len(tasks)
        for job_id, task in zip(ids, tasks, strict=True):
            self.model[job_id] = Model(task, priority, {}, 0)

    def _taken(self, job: Job) -> Held:
        model = self.model[job.id]
        assert model.state == READY
        assert (job.task, job.headers, job.priority) == (model.task, model.headers, model.priority)
        assert (job.attempt, job.reschedules) == (model.counted + 1, model.counted)
        self.grants += 1
        model.state, model.holder = LEASED, self.grants
        return Held(job, self.grants)

    @rule(target=held, fresh=st.booleans())
    def take(self, fresh: bool) -> Held:
        expected = [] if self.paused else self.waiting()
        if fresh:
            self.reopen()
        if not expected:
            with pytest.raises(Empty):
                self.spool.get_job(timeout=0)
            return Held(None, -1)  # type: ignore[arg-type]
        job = self.spool.get_job(timeout=0)
        if fresh:  # strictly ordered; one that has looked before may be a second behind
            assert job.id == expected[0]
        assert job.id in expected
        return self._taken(job)

    @rule(limit=st.integers(1, 4), end=st.sampled_from(["done", "release", "keep"]))
    def take_many(self, limit: int, end: str) -> None:
        expected = [] if self.paused else self.waiting()
        jobs = self.spool.get_jobs(limit, timeout=0)
        # Perhaps fewer than there are: what came after the last look needs the next one.
        assert min(1, len(expected)) <= len(jobs) <= min(limit, len(expected))
        for job in jobs:
            held = self._taken(job)
            if end == "done":
                self.done(held, None)
            elif end == "release":
                self.release(held)

    def _is_in_force(self, held: Held) -> bool:
        model = self.model.get(held.job.id)
        return model is not None and (model.state, model.holder) == (LEASED, held.grant)

    @rule(held=held, result=st.sampled_from([None, b"", b"result"]))
    def done(self, held: Held, result: bytes | None) -> None:
        if held.grant < 0:
            return
        model = self.model.get(held.job.id)
        if self._is_in_force(held):
            held.job.done(result)
            assert model is not None
            model.state, model.result, held.ended = DONE, result, "done"
        elif held.ended == "done":
            held.job.done(result)  # quiet: said twice
        elif held.ended is None and model is not None and model.state in (DONE, CANCELLED):
            held.job.done(result)  # quiet: the job is done, whoever did it
            held.ended = "done"
        else:
            with pytest.raises(LeaseLost):
                held.job.done(result)

    @rule(held=held, retry=st.booleans(), delay=st.sampled_from([0.0, FAR, None]))
    def fail(self, held: Held, retry: bool, delay: float | None) -> None:
        if held.grant < 0:
            return
        if not self._is_in_force(held):
            with pytest.raises(LeaseLost):
                held.job.fail("why", retry=retry, delay=delay)
            return
        if delay is None and retry:
            delay = FAR  # the usual back-off would be over within the test
        held.job.fail("why", retry=retry, delay=delay)
        held.ended = "fail"
        model = self.model[held.job.id]
        model.counted += 1
        model.events.append("why")
        if not retry or 0 < model.max_attempts <= model.counted:
            model.state = FAILED
        else:
            model.state = DELAYED if delay else READY

    @rule(held=held)
    def release(self, held: Held) -> None:
        if held.grant < 0:
            return
        if self._is_in_force(held):
            held.job.release()
            self.model[held.job.id].state, held.ended = READY, "release"
        else:
            with pytest.raises(LeaseLost):
                held.job.release()

    @rule(held=held)
    def extend(self, held: Held) -> None:
        if held.grant < 0:
            return
        before = held.job.lease
        if self._is_in_force(held):
            held.job.extend(FAR)
            assert held.job.lease != before
        else:
            with pytest.raises(LeaseLost):
                held.job.extend(FAR)

    @rule(held=consumes(held))
    def expire(self, held: Held) -> None:
        if held.grant < 0 or not self._is_in_force(held):
            return
        model = self.model[held.job.id]
        held.job.extend(0.05)
        report = eventually(
            lambda: (r := self.spool.reap()).returned + r.failed and r, what="expired"
        )
        model.counted += 1
        gives_up = 0 < model.max_attempts <= model.counted
        model.state = FAILED if gives_up else READY
        model.events.append("expired")
        assert (report.returned, report.failed) == (not gives_up, gives_up)
        with pytest.raises(LeaseLost):
            held.job.done()

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        info = self.spool.cancel(job_id)
        model = self.model.get(job_id)
        if model is None:
            assert info.status is JobStatus.UNKNOWN
            return
        if model.state in (READY, LEASED, DELAYED):
            model.state = CANCELLED
        assert info.status is STATUS[model.state]

    @rule(job_id=jobs)
    def retry(self, job_id: str) -> None:
        model = self.model.get(job_id)
        if model is None:
            with pytest.raises(UnknownJob):
                self.spool.retry(job_id)
            return
        before = model.state
        if before == FAILED:
            model.state, model.counted = READY, 0
        assert self.spool.retry(job_id).status is STATUS[model.state]

    @rule(failed=st.booleans())
    def prune(self, failed: bool) -> None:
        gone = [
            job_id
            for job_id, model in self.model.items()
            if model.state in (DONE, CANCELLED) or (failed and model.state == FAILED)
        ]
        assert self.spool.prune(older_than_seconds=0, failed=failed).removed == len(gone)
        for job_id in gone:
            key = self.model.pop(job_id).key
            if key is not None:
                del self.keys[key]
            assert self.spool.get(job_id).status is JobStatus.UNKNOWN

    @rule()
    def reopen(self) -> None:
        self.spool.close()
        self.spool = Spool(f"{self.directory}/spool")

    @rule()
    def reap(self) -> None:
        report = self.spool.reap()
        assert (report.returned, report.promoted, report.failed) == (0, 0, 0)

    @rule()
    def pause_or_resume(self) -> None:
        self.spool.resume() if self.paused else self.spool.pause("test")
        self.paused = not self.paused

    @precondition(lambda self: any(m.state == LEASED for m in self.model.values()))
    @rule(held=held)
    def end_by_name(self, held: Held) -> None:
        """As a shell script would, knowing only the leased file's name."""
        if held.grant >= 0 and self._is_in_force(held):
            self.spool.leased_job(held.job.name).done(b"by name")
            self.model[held.job.id].state, self.model[held.job.id].result = DONE, b"by name"

    @invariant()
    def every_job_is_what_the_model_says(self) -> None:
        assert_spool_sound(self.spool.path)
        for job_id, model in self.model.items():
            info = self.spool.get(job_id)
            assert info.status is STATUS[model.state]
            if model.state in (DONE, CANCELLED, FAILED):
                assert info.outcome == model.state
            else:
                assert info.reschedules == model.counted
            assert self.spool.result(job_id) == model.result
            told = [event["event"] for event in self.spool.history(job_id)]
            assert told.count("expired") == model.events.count("expired")
            assert told.count("failed") >= model.events.count("why")

    @invariant()
    def counts_agree(self) -> None:
        stats = self.spool.stats()
        states = [model.state for model in self.model.values()]
        assert stats.ready == states.count(READY)
        assert stats.leased == states.count(LEASED)
        assert stats.delayed == states.count(DELAYED)
        assert stats.done == states.count(DONE) + states.count(CANCELLED)
        assert stats.failed == states.count(FAILED)
        assert (stats.paused is not None) == self.paused
        assert {info.id for info in self.spool.list()} == set(self.model)
        if LEASED not in states:
            assert_spool_tidy(self.spool.path)


SpoolMachine.TestCase.settings = settings(
    max_examples=2 * settings.default.max_examples, stateful_step_count=40
)


@pytest.mark.guarantee("I1")
@pytest.mark.guarantee("I2")
@pytest.mark.timeout(300)
class TestSpoolAgainstItsModel(SpoolMachine.TestCase):  # type: ignore[misc, name-defined]
    """Every sequence of moves leaves the spool as the model says."""
