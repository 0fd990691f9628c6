"""Order: by priority, then by age; and when delayed tasks come."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound
from support.waits import eventually

from spoolq import Empty, InvalidSetting, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_priority_zero_comes_first_and_nine_last(spool: Spool) -> None:
    for priority in (9, 5, 0, 7, 1):
        spool.publish(b"first", priority=priority)
        spool.publish(b"second", priority=priority)
    taken = [spool.get_job(timeout=0) for _ in range(10)]
    assert [job.priority for job in taken] == [0, 0, 1, 1, 5, 5, 7, 7, 9, 9]
    assert [job.task for job in taken] == [b"first", b"second"] * 5


def test_default_priority_is_five(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    assert spool.get(job_id).priority == 5
    assert spool.get_job(timeout=0).priority == 5


def test_late_but_urgent_one_is_next_within_a_second(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    spool.publish_many([b"calm"] * 1000, priority=6)
    consumer = open_again(spool)
    assert consumer.get_job(timeout=0).task == b"calm"
    spool.publish(b"urgent", priority=0)
    published = time.monotonic()
    served, asked = 0, published
    while (job := consumer.get_job(timeout=0)).task != b"urgent":
        assert job.task == b"calm"
        served += 1
        # One second, or 20 times as long as a listing takes on a loaded machine.
        assert asked - published < 10
        time.sleep(0.02)  # the work; otherwise all are served before the second is over
        asked = time.monotonic()
    assert served < 999


def test_freshly_opened_spool_is_strictly_ordered(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    spool.publish_many([b"calm"] * 20, priority=6)
    spool.get_job(timeout=0)
    spool.publish(b"urgent", priority=1)
    assert open_again(spool).get_job(timeout=0).task == b"urgent"


def test_returned_task_keeps_its_place_by_age(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    spool.publish(b"old")
    spool.publish(b"new")
    spool.get_job(timeout=0).fail("again", delay=0)
    assert open_again(spool).get_job(timeout=0).task == b"old"


@pytest.mark.guarantee("I3")
def test_delayed_task_comes_when_due_and_not_before(spool: Spool) -> None:
    before = time.time()
    job_id = spool.publish(b"later", delay=2)
    after = time.time()
    info = spool.get(job_id)
    assert info.status is JobStatus.DELAYED
    assert info.next_execution_at is not None
    assert before + 1.95 < info.next_execution_at.timestamp() < after + 2.05
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    job = spool.get_job(timeout=20)
    assert datetime.now(UTC) >= info.next_execution_at - timedelta(milliseconds=20)
    assert (job.id, job.attempt, job.reschedules) == (job_id, 1, 0)


def test_delayed_tasks_come_in_the_order_they_are_due(spool: Spool) -> None:
    for delay in (2.4, 0.8, 1.6):
        spool.publish(b"%.1f" % delay, delay=delay)
    assert [spool.get_job(timeout=20).task for _ in range(3)] == [b"0.8", b"1.6", b"2.4"]


def test_due_task_is_promoted_by_reap(spool: Spool) -> None:
    job_id = spool.publish(b"later", delay=0.2)
    spool.publish(b"much later", delay=3600)
    report = eventually(lambda: (r := spool.reap()).promoted and r, what="promoted")
    assert (report.promoted, report.returned, report.failed) == (1, 0, 0)
    info = spool.get(job_id)
    assert (info.status, info.next_execution_at) == (JobStatus.READY, None)
    assert spool.stats().delayed == 1
    assert_spool_sound(spool.path)


def test_delay_zero_is_no_delay(spool: Spool) -> None:
    assert spool.get(spool.publish(b"now", delay=0)).status is JobStatus.READY


def test_far_future_is_possible(spool: Spool) -> None:
    job_id = spool.publish(b"in ten years", delay=10 * 365 * 86400.0)
    due = spool.get(job_id).next_execution_at
    assert due is not None
    assert 9.9 < (due - datetime.now(UTC)).days / 365 < 10.1
    with pytest.raises(Empty):
        spool.get_job(timeout=0)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
def test_timeout_that_makes_no_sense_is_refused(spool: Spool, timeout: object) -> None:
    spool.publish(b"task")
    with pytest.raises(InvalidSetting, match="timeout="):
        spool.get_job(timeout=timeout)  # type: ignore[arg-type]
    assert spool.stats().ready == 1
