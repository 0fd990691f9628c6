"""The seed contract, sentence by sentence."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy

from spoolq import Empty, JobController, JobStatus, PublishOnly, Queue, TaskPublisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_spool_is_a_publisher_a_queue_and_a_controller(spool: Spool) -> None:
    assert isinstance(spool, TaskPublisher)
    assert isinstance(spool, Queue)
    assert isinstance(spool, JobController)


@pytest.mark.guarantee("I4")
def test_published_then_taken_then_done_then_nothing_more_comes(spool: Spool) -> None:
    job_id = spool.publish(b"a task")
    job = spool.get_job(timeout=0)
    assert (job.id, job.task, job.attempt, job.reschedules) == (job_id, b"a task", 1, 0)
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert job.done() is None
    with pytest.raises(Empty):
        spool.get_job(timeout=0.05)
    assert_spool_tidy(spool.path)


def test_publish_only_spool_publishes_but_refuses_to_give_jobs(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    publisher = open_again(spool, publish_only=True)
    job_id = publisher.publish(b"task")
    with pytest.raises(PublishOnly):
        publisher.get_job(timeout=0)
    with pytest.raises(PublishOnly):
        publisher.get_jobs(3, timeout=0)
    with pytest.raises(PublishOnly):
        next(iter(publisher.jobs(idle_timeout=0)))
    assert spool.get_job(timeout=0).id == job_id


@pytest.mark.guarantee("I3")
def test_task_that_is_not_done_comes_again_after_its_lease(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=2)
    job_id = spool.publish(b"task")
    first = spool.get_job(timeout=0)
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    second = spool.get_job(timeout=20)
    assert datetime.now(UTC) >= first.deadline - timedelta(milliseconds=20)
    assert (second.id, second.task, second.attempt, second.reschedules) == (job_id, b"task", 2, 1)
    second.done()
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I4")
def test_thousand_come_in_order_and_those_not_done_come_again_exactly_once(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=5)
    tasks = [b"%d" % number for number in range(1000)]
    ids = [spool.publish(task) for task in tasks]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    first_round = [spool.get_job(timeout=0) for _ in tasks]
    assert [job.task for job in first_round] == tasks
    assert [job.id for job in first_round] == ids
    for job in first_round[::2]:
        job.done()
    second_round = [spool.get_job(timeout=30) for _ in first_round[1::2]]
    assert {job.id for job in second_round} == set(ids[1::2])
    assert {job.attempt for job in second_round} == {2}
    for job in second_round:
        job.done()
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert spool.stats().done == 1000
    assert_spool_tidy(spool.path)


def test_id_never_published_is_unknown(spool: Spool) -> None:
    like_ours = spool.publish(b"task")[:-8] + "AAAAAAAA"
    for job_id in (like_ours, "", "x", "../../etc/passwd", "a" * 300, "new\nline", "\udcff", "\0"):
        info = spool.get(job_id)
        assert info.status is JobStatus.UNKNOWN
        assert info.id == job_id
        assert (info.next_execution_at, info.published_at) == (None, None)
        assert spool.cancel(job_id).status is JobStatus.UNKNOWN
    assert spool.stats().ready == 1


def test_taken_job_is_processing_and_says_when_it_comes_again(spool: Spool) -> None:
    job_id = spool.publish(b"task", lease_seconds=90)
    waiting = spool.get(job_id)
    assert (waiting.status, waiting.next_execution_at) == (JobStatus.READY, None)
    before = datetime.now(UTC)
    job = spool.get_job(timeout=0)
    info = spool.get(job_id)
    assert info.status is JobStatus.PROCESSING
    assert info.next_execution_at is not None
    assert before < info.next_execution_at <= datetime.now(UTC) + timedelta(seconds=90.1)
    assert info.next_execution_at == info.deadline == job.deadline
    assert info.next_execution_at.utcoffset() == timedelta(0)
    assert (info.reschedules, info.attempt) == (0, 1)


def test_reschedules_counts_the_redeliveries_and_done_is_done(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=0.3)
    job_id = spool.publish(b"task")
    for redelivered in range(3):
        job = spool.get_job(timeout=20)
        assert job.reschedules == redelivered
        assert spool.get(job_id).reschedules == redelivered
    job.extend(60)
    job.done()
    info = spool.get(job_id)
    assert (info.status, info.outcome) == (JobStatus.DONE, "done")
    assert (info.next_execution_at, info.deadline) == (None, None)


@pytest.mark.guarantee("I4")
def test_cancel_in_processing_means_done_and_it_never_comes_again(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=0.3)
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    assert spool.cancel(job_id).status is JobStatus.DONE
    assert spool.get(job_id).status is JobStatus.DONE
    with pytest.raises(Empty):
        spool.get_job(timeout=1)  # more than three leases
    job.done()
    info = spool.get(job_id)
    assert (info.status, info.outcome) == (JobStatus.DONE, "cancelled")
    assert_spool_sound(spool.path)


@pytest.mark.guarantee("I4")
def test_cancelled_while_waiting_never_runs(spool: Spool) -> None:
    waiting = spool.publish(b"waiting")
    delayed = spool.publish(b"delayed", delay=3600)
    for job_id in (waiting, delayed):
        info = spool.cancel(job_id)
        assert (info.status, info.outcome) == (JobStatus.DONE, "cancelled")
        assert spool.get(job_id) == info
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert_spool_tidy(spool.path)


def test_cancel_of_a_done_job_changes_nothing(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).done()
    before = spool.get(job_id)
    assert spool.cancel(job_id) == before
    assert (before.status, before.outcome) == (JobStatus.DONE, "done")


def test_blocked_get_job_ends_when_its_timeout_does(spool: Spool) -> None:
    start = time.monotonic()
    with pytest.raises(Empty):
        spool.get_job(timeout=0.4)
    assert 0.4 <= time.monotonic() - start < 3


def test_get_job_with_timeout_zero_does_not_wait(spool: Spool) -> None:
    start = time.monotonic()
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert time.monotonic() - start < 4  # a wait would last five seconds
