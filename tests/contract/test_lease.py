"""Leases: expiry, renewal, fencing, and what the holder learns."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy, names
from support.waits import eventually

from spoolq import Empty, InvalidSetting, JobStatus, LeaseLost, StorageError
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Job, Spool


def taken_over(spool: Spool, other: Spool) -> tuple[Job, Job]:
    """A holder whose lease has ended, and the one who has the job now, for long."""
    first = spool.get_job(timeout=0)
    first.extend(0.2)
    second = other.get_job(timeout=20)
    assert second.id == first.id
    return first, second


ENDINGS: dict[str, Callable[[Any], Any]] = {
    "done": lambda job: job.done(),
    "done-with-result": lambda job: job.done(b"stale result"),
    "fail": lambda job: job.fail("stale"),
    "fail-for-good": lambda job: job.fail("stale", retry=False),
    "fail-at-once": lambda job: job.fail("stale", delay=0),
    "release": lambda job: job.release(),
    "extend": lambda job: job.extend(1000),
}


@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_holder_that_was_taken_over_changes_nothing(
    spool: Spool, open_again: Callable[..., Spool], ending: Callable[[Any], Any]
) -> None:
    job_id = spool.publish(b"task")
    first, second = taken_over(spool, open_again(spool))
    before, leased = spool.get(job_id), names(spool.path, "leased")
    with pytest.raises(LeaseLost) as caught:
        ending(first)
    assert (caught.value.job_id, caught.value.lease) == (job_id, first.lease)
    assert first.lost
    assert spool.get(job_id) == before
    assert names(spool.path, "leased") == leased
    assert spool.result(job_id) is None
    assert_spool_sound(spool.path)
    second.done(b"right")
    assert spool.result(job_id) == b"right"
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("name", [name for name in ENDINGS if not name.startswith("done")])
def test_holder_that_was_taken_over_cannot_undo_the_done_of_another(
    spool: Spool, open_again: Callable[..., Spool], name: str
) -> None:
    job_id = spool.publish(b"task")
    first, second = taken_over(spool, open_again(spool))
    second.done(b"result")
    with pytest.raises(LeaseLost):
        ENDINGS[name](first)
    assert spool.get(job_id).status is JobStatus.DONE
    assert spool.result(job_id) == b"result"
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I5")
def test_done_by_the_old_holder_is_quiet_when_the_job_is_done_already(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    job_id = spool.publish(b"task")
    first, second = taken_over(spool, open_again(spool))
    second.done(b"the result that counts")
    first.done(b"too late")
    assert spool.result(job_id) == b"the result that counts"
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I5")
def test_holder_whose_job_waits_again_has_lost_it(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.extend(0.2)
    eventually(lambda: spool.reap().returned == 1, what="taken back")
    with pytest.raises(LeaseLost):
        job.done()
    assert spool.get(job_id).status is JobStatus.READY
    assert spool.get_job(timeout=0).attempt == 2


def test_late_done_counts_when_nobody_took_the_job_back(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.extend(0.2)
    eventually(lambda: datetime.now(UTC) > job.deadline + timedelta(seconds=0.1))
    job.done(b"late but first")
    assert spool.get(job_id).status is JobStatus.DONE
    assert spool.result(job_id) == b"late but first"
    assert spool.reap().returned == 0


def test_lost_tells_when_the_holders_own_trust_has_run_out(spool: Spool) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    assert job.lost is False
    job.extend(0.3)
    eventually(lambda: job.lost, what="job.lost")
    assert datetime.now(UTC) < job.deadline + timedelta(seconds=5)


def test_done_twice_is_quiet(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.done(b"once")
    job.done(b"twice")
    assert spool.result(job_id) == b"once"


@pytest.mark.parametrize("first", ["release", "fail", "fail-for-good"])
@pytest.mark.parametrize("then", ["done", "release", "fail", "extend"])
def test_job_given_back_is_no_longer_ours(spool: Spool, first: str, then: str) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    ENDINGS[first](job)
    before = spool.get(job_id)
    with pytest.raises(LeaseLost):
        ENDINGS[then](job)
    assert spool.get(job_id) == before


def test_extend_is_a_new_lease_and_the_old_name_is_lost(spool: Spool) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    old = spool.leased_job(job.name)
    old_lease, old_name, old_deadline = job.lease, job.name, job.deadline
    job.extend(500)
    assert job.lease != old_lease
    assert job.name != old_name
    assert 430 < (job.deadline - old_deadline).total_seconds() < 450
    assert names(spool.path, "leased") == sorted([job.name, f"{job.lease}.lease"])
    assert spool.get(job.id).deadline == job.deadline
    with pytest.raises(LeaseLost):
        old.extend()
    with pytest.raises(LeaseLost):
        spool.leased_job(old_lease)
    with pytest.raises(LeaseLost):
        spool.leased_job(old_name).done()
    job.done()
    assert_spool_tidy(spool.path)


def test_extend_without_seconds_gives_the_jobs_own_term_again(spool: Spool) -> None:
    spool.publish(b"task", lease_seconds=300)
    job = spool.get_job(timeout=0)
    job.extend(5)
    job.extend()
    remaining = (job.deadline - datetime.now(UTC)).total_seconds()
    assert 295 < remaining <= 300.1


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "60", True])
def test_extend_by_nonsense_is_refused_and_the_lease_stays(spool: Spool, seconds: Any) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    lease = job.lease
    with pytest.raises(InvalidSetting, match="seconds="):
        job.extend(seconds)
    assert job.lease == lease
    job.done()
    assert spool.stats().done == 1


@pytest.mark.guarantee("I5")
def test_extended_job_is_not_taken_back(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(lease_seconds=0.4)
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    first_deadline = job.deadline
    job.extend(60)
    with pytest.raises(Empty):
        spool.get_job(timeout=0.8)
    assert datetime.now(UTC) > first_deadline
    assert spool.reap().returned == 0
    assert spool.get(job_id).reschedules == 0
    job.done()


@pytest.mark.guarantee("I3")
def test_expiry_gives_up_only_when_attempts_are_used_up(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(lease_seconds=0.2)
    job_id = spool.publish(b"kills its workers", max_attempts=2)
    spool.get_job(timeout=0)
    assert spool.get_job(timeout=20).attempt == 2
    report = eventually(lambda: (r := spool.reap()).failed and r, what="given up")
    assert (report.failed, report.returned) == (1, 0)
    info = spool.get(job_id)
    assert (info.status, info.outcome, info.reschedules) == (JobStatus.FAILED, "failed", 2)
    assert info.reason
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert len(spool.history(job_id)) == 2
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I3")
def test_without_a_limit_expiry_never_gives_up(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(lease_seconds=0.1)
    spool.publish(b"task")
    for attempt in range(1, 9):
        assert spool.get_job(timeout=20).attempt == attempt


def test_job_knows_its_file_and_its_owner(spool: Spool, open_again: Callable[..., Spool]) -> None:
    job_id = spool.publish(b"payload")
    worker = open_again(spool, owner="worker-7")
    job = worker.get_job(timeout=0)
    assert worker.owner == "worker-7"
    assert spool.get(job_id).owner == "worker-7"
    assert Path(job.path).read_bytes() == b"payload"
    assert Path(job.path) == Path(spool.path) / "leased" / job.name
    assert job.name == f"{job_id}.1.{job.lease}"
    assert f"{job.lease}.lease" in names(spool.path, "leased")


def test_job_is_found_by_its_leased_name_and_by_its_lease(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    spool.publish(b"one", headers={"a": "b"})
    spool.publish(b"two")
    one, two = spool.get_job(timeout=0), spool.get_job(timeout=0)
    other = open_again(spool)
    by_name = other.leased_job(one.name)
    assert (by_name.id, by_name.task, by_name.lease) == (one.id, b"one", one.lease)
    assert by_name.headers == {"a": "b"}
    by_name.done()
    other.leased_job(two.lease).done()
    assert spool.stats().done == 2
    assert_spool_tidy(spool.path)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "x" * 300, "new\nline", "\x1b[0m", "\udcff", "a..b"]
)
def test_lease_name_that_is_not_ours_is_refused(spool: Spool, name: str) -> None:
    from spoolq import InvalidName

    with pytest.raises(InvalidName):
        spool.leased_job(name)


@pytest.mark.guarantee("I4")
def test_done_that_was_done_before_is_made_durable_before_it_is_told(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool(durability="full")
    spool.publish(b"task")
    job = spool.get_job(0)
    fs = internals(spool).fs
    rename = fs.rename

    def done_and_refused(source: str, target: str) -> None:
        rename(source, target)
        raise OSError(errno.EIO, "Input/output error", source)

    with monkeypatch.context() as broken:
        broken.setattr(fs, "rename", done_and_refused)
        with pytest.raises(StorageError):
            job.done()
    synced: list[str] = []
    monkeypatch.setattr(fs, "sync_directory", synced.append)
    job.done()
    assert "done" in synced
