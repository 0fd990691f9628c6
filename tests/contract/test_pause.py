"""pause and resume: nothing new is given out, all the rest goes on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from support.waits import eventually

from spoolq import Empty, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_paused_spool_gives_nothing_until_it_is_resumed(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    other = open_again(spool)
    spool.publish(b"task")
    spool.pause("maintenance until noon")
    assert spool.stats().paused == other.stats().paused == "maintenance until noon"
    for consumer in (spool, other, open_again(spool)):
        with pytest.raises(Empty):
            consumer.get_job(timeout=0)
        assert consumer.get_jobs(3, timeout=0.1) == []
    other.resume()
    assert spool.stats().paused is None
    assert spool.get_job(timeout=0).task == b"task"


def test_reason_may_be_missing_or_anything(spool: Spool) -> None:
    spool.pause()
    assert spool.stats().paused == ""
    spool.resume()
    for reason in ("two\nlines", "\x1b[31m", "знач"):
        spool.pause(reason)
        assert spool.stats().paused == reason
        spool.resume()
    assert spool.stats().paused is None


def test_pause_and_resume_may_be_said_twice(spool: Spool) -> None:
    spool.resume()
    spool.pause("first")
    spool.pause("second")
    assert spool.stats().paused in ("first", "second")
    spool.resume()
    spool.resume()
    assert spool.stats().paused is None


def test_consumer_that_is_blocked_stays_blocked_while_paused(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    consumer = open_again(spool)
    got = []
    thread = threading.Thread(target=lambda: got.append(consumer.get_job(timeout=60).task))
    thread.start()
    spool.pause("not now")
    spool.publish(b"task")
    with pytest.raises(Empty):
        spool.get_job(timeout=1.5)  # longer than any safety poll
    assert got == []
    assert spool.stats().ready == 1
    spool.resume()
    eventually(lambda: got == [b"task"], seconds=5, what="woken by resume")
    thread.join()


@pytest.mark.guarantee("I4")
def test_jobs_under_way_are_renewed_and_ended_while_paused(spool: Spool) -> None:
    ids = spool.publish_many([b"task"] * 4)
    jobs = spool.get_jobs(4, timeout=0)
    spool.pause("wait")
    jobs[0].extend(100)
    jobs[0].done()
    jobs[1].fail("no", retry=False)
    jobs[2].release()
    spool.cancel(ids[3])
    statuses = [spool.get(job_id).status for job_id in ids]
    assert statuses == [JobStatus.DONE, JobStatus.FAILED, JobStatus.READY, JobStatus.DONE]
    assert spool.publish(b"publishing goes on")


def test_expired_and_due_jobs_move_while_paused_but_are_not_given(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=0.2)
    expired = spool.publish(b"expired")
    spool.get_job(timeout=0)
    due = spool.publish(b"due", delay=0.2)
    spool.pause("wait")
    for job_id in (expired, due):
        eventually(lambda j=job_id: spool.reap() and spool.get(j).status is JobStatus.READY)
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    spool.resume()
    assert {job.id for job in spool.get_jobs(2, timeout=0)} == {expired, due}
