"""keep_alive and `with job`: renewal in the background, and endings by how the block ends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy
from support.waits import eventually

from spoolq import Empty, JobStatus, LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.fixture
def quick(make_spool: Callable[..., Spool]) -> Spool:
    """A spool with leases of two seconds."""
    return make_spool(lease_seconds=2)


@pytest.mark.guarantee("I5")
def test_keep_alive_renews_until_the_block_ends(quick: Spool) -> None:
    quick.publish(b"task")
    job = quick.get_job(timeout=0)
    first = job.deadline
    with job.keep_alive() as alive:
        eventually(lambda: datetime.now(UTC) > first + timedelta(seconds=0.5))
        assert quick.reap().returned == 0
        assert not alive.lost.is_set()
        assert not job.lost
        assert job.deadline > first
        renewed = job.lease
    job.done()
    assert renewed
    assert quick.get(job.id).reschedules == 0
    assert_spool_tidy(quick.path)


@pytest.mark.guarantee("I3")
def test_keep_alive_ends_with_its_block(quick: Spool) -> None:
    quick.publish(b"task")
    job = quick.get_job(timeout=0)
    threads = threading.active_count()
    with job.keep_alive():
        pass
    eventually(lambda: threading.active_count() <= threads, what="thread gone")
    assert quick.get_job(timeout=20).attempt == 2


def test_holder_hears_that_its_job_was_cancelled(quick: Spool) -> None:
    job_id = quick.publish(b"task")
    job = quick.get_job(timeout=0)
    called = threading.Event()
    with job.keep_alive(on_lost=called.set) as alive:
        quick.cancel(job_id)
        assert alive.lost.wait(20)
        assert called.wait(20)
        assert job.lost
        with pytest.raises(LeaseLost):
            job.extend()
    job.done()  # quiet: the job is done
    assert quick.get(job_id).outcome == "cancelled"


@pytest.mark.guarantee("I5")
def test_holder_hears_that_its_job_was_taken(
    quick: Spool, open_again: Callable[..., Spool]
) -> None:
    job_id = quick.publish(b"task")
    job = quick.get_job(timeout=0)
    job.extend(0.2)
    other = open_again(quick).get_job(timeout=20)
    with job.keep_alive() as alive:
        assert alive.lost.wait(20)
    with pytest.raises(LeaseLost):
        job.done()
    other.done()
    assert quick.get(job_id).status is JobStatus.DONE


def test_callback_that_raises_does_not_hide_the_loss(quick: Spool) -> None:
    def explode() -> None:
        raise RuntimeError("callback")

    job_id = quick.publish(b"task")
    job = quick.get_job(timeout=0)
    with job.keep_alive(on_lost=explode) as alive:
        quick.cancel(job_id)
        assert alive.lost.wait(20)
    assert job.lost


def test_block_that_ends_well_is_done(quick: Spool) -> None:
    job_id = quick.publish(b"task")
    with quick.get_job(timeout=0) as job:
        assert job.task == b"task"
        assert quick.get(job_id).status is JobStatus.PROCESSING
    assert quick.get(job_id).status is JobStatus.DONE
    assert_spool_tidy(quick.path)


@pytest.mark.guarantee("I5")
def test_block_renews_while_inside(quick: Spool, open_again: Callable[..., Spool]) -> None:
    quick.publish(b"task")
    other = open_again(quick)
    with quick.get_job(timeout=0) as job:
        with pytest.raises(Empty):
            other.get_job(timeout=2.5)
        assert not job.lost
    assert quick.get(job.id).reschedules == 0


def test_block_that_raises_fails_the_job_and_the_error_goes_on(quick: Spool) -> None:
    job_id = quick.publish(b"task")
    with pytest.raises(ZeroDivisionError), quick.get_job(timeout=0):
        print(1 // 0)
    info = quick.get(job_id)
    assert info.status is JobStatus.DELAYED  # it will be tried again
    assert info.reschedules == 1
    (event,) = quick.history(job_id)
    assert "division" in event["reason"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_block_that_is_interrupted_gives_the_job_back_uncounted(
    quick: Spool, error: type[BaseException]
) -> None:
    job_id = quick.publish(b"task")
    with pytest.raises(error), quick.get_job(timeout=0):
        raise error
    info = quick.get(job_id)
    assert (info.status, info.reschedules) == (JobStatus.READY, 0)
    assert quick.get_job(timeout=0).attempt == 1


@pytest.mark.guarantee("I5")
def test_block_raises_at_its_end_when_another_has_the_job(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.extend(0.2)
    other = open_again(spool).get_job(timeout=20)
    with pytest.raises(LeaseLost), job:
        assert other.id == job_id
    assert spool.get(job_id).status is JobStatus.PROCESSING
    other.done()
    assert_spool_sound(spool.path)


@pytest.mark.guarantee("I5")
def test_error_in_a_block_is_not_hidden_by_a_lost_lease(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.extend(0.2)
    other = open_again(spool).get_job(timeout=20)
    with pytest.raises(ZeroDivisionError), job:
        print(1 // 0)
    other.done()


def test_block_is_quiet_when_the_job_was_cancelled_meanwhile(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    with spool.get_job(timeout=0):
        spool.cancel(job_id)
    assert spool.get(job_id).outcome == "cancelled"
    assert_spool_tidy(spool.path)


@pytest.mark.parametrize("ending", ["done", "fail", "release"])
def test_block_in_which_the_holder_ended_the_job_itself_adds_nothing(
    spool: Spool, ending: str
) -> None:
    job_id = spool.publish(b"task")
    with spool.get_job(timeout=0) as job:
        {"done": job.done, "fail": lambda: job.fail("myself"), "release": job.release}[ending]()
        inside = spool.get(job_id)
    assert spool.get(job_id) == inside
    assert_spool_sound(spool.path)


def test_block_may_give_a_result(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    with spool.get_job(timeout=0) as job:
        job.done(b"result")
    assert spool.result(job_id) == b"result"


@pytest.mark.guarantee("I5")
def test_jobs_kept_alive_together_come_to_share_one_lease(quick: Spool) -> None:
    quick.publish_many([b"a", b"b", b"c"])
    jobs = [quick.get_job(timeout=0) for _ in range(3)]
    assert len({job.lease for job in jobs}) == 3
    renewed = threading.Event()
    with jobs[0].keep_alive(on_renewed=renewed.set), jobs[1].keep_alive(), jobs[2].keep_alive():
        assert renewed.wait(20)
        eventually(lambda: len({job.lease for job in jobs}) == 1, what="one lease for all")
        jobs[1].done()
    jobs[0].fail("no", run={"exit_code": 1})
    jobs[2].release(reason="stopped")
    assert [event["event"] for event in quick.history(jobs[0].id)] == ["failed"]
    assert quick.history(jobs[0].id)[0]["run"] == {"exit_code": 1}
    assert [event["reason"] for event in quick.history(jobs[2].id)] == ["stopped"]
    assert_spool_sound(quick.path)


def test_one_lost_job_does_not_keep_the_others_from_being_renewed(quick: Spool) -> None:
    quick.publish_many([b"a", b"b"])
    lost, kept = (quick.get_job(timeout=0) for _ in range(2))
    told, renewed = threading.Event(), threading.Event()
    quick.cancel(lost.id)
    with lost.keep_alive(on_lost=told.set), kept.keep_alive(on_renewed=renewed.set):
        assert told.wait(20)
        assert renewed.wait(20)
        assert not kept.lost
    kept.done(run={"exit_code": 0})
    assert quick.details(kept.id)["end"]["run"] == {"exit_code": 0}
    assert_spool_tidy(quick.path)
