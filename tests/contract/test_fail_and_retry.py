"""fail, release and retry: what counts as an attempt, when it comes again, when it stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy, names
from support.waits import eventually

from spoolq import Empty, InvalidSetting, JobStatus, UnknownJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def seconds_until(moment: datetime | None) -> float:
    """How far away a moment is."""
    assert moment is not None
    return (moment - datetime.now(UTC)).total_seconds()


@pytest.mark.guarantee("I3")
def test_failed_attempt_is_tried_again_later(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(retry_delay_seconds=100)
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).fail("disk on fire")
    info = spool.get(job_id)
    assert (info.status, info.reschedules) == (JobStatus.DELAYED, 1)
    assert 85 < seconds_until(info.next_execution_at) < 115
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    (event,) = spool.history(job_id)
    assert (event["reason"], event["attempt"]) == ("disk on fire", 1)
    assert_spool_tidy(spool.path)


def test_back_off_doubles_or_so_up_to_the_cap(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(retry_delay_seconds=100, retry_delay_max_seconds=1000)
    job_id = spool.publish(b"task")
    waits: list[float] = []
    for _ in range(7):
        job = spool.get_job(timeout=0)
        job.fail("again")
        waits.append(seconds_until(spool.get(job_id).next_execution_at))
        _make_due(spool, job_id)
    assert waits[0] < waits[1] < waits[2]
    assert waits[1] > 1.5 * waits[0] * 0.8
    assert all(wait <= 1000 * 1.1 + 1 for wait in waits)
    assert waits[-1] > 1000 * 0.85


def _make_due(spool: Spool, job_id: str) -> None:
    """Let a delayed job be due now, as time would: its due time is in its name."""
    room = Path(spool.path) / "delayed"
    sample_id = spool.publish(b"has a due time that is over soon", delay=0.001)
    (sample,) = [name for name in names(room, ".") if sample_id in name]
    (name,) = [name for name in names(room, ".") if job_id in name]
    (room / sample).unlink()
    (room / name).rename(room / ".".join([sample.split(".")[0], *name.split(".")[1:]]))
    eventually(lambda: spool.reap() and spool.get(job_id).status is JobStatus.READY)


def test_back_off_has_jitter(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(retry_delay_seconds=1000, retry_delay_max_seconds=5000)
    ids = spool.publish_many([b"task"] * 12)
    for _ in ids:
        spool.get_job(timeout=0).fail("no")
    waits = [seconds_until(spool.get(job_id).next_execution_at) for job_id in ids]
    assert max(waits) - min(waits) > 5  # 12 draws out of a range of at least 100 s
    assert min(waits) > 890
    assert max(waits) < 1110


def test_fail_may_name_its_delay(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).fail("rate limit", delay=500)
    assert 480 < seconds_until(spool.get(job_id).next_execution_at) <= 551


def test_fail_without_delay_is_ready_at_once_and_counted(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).fail("again", delay=0)
    info = spool.get(job_id)
    assert (info.status, info.reschedules, info.next_execution_at) == (JobStatus.READY, 1, None)
    job = spool.get_job(timeout=0)
    assert (job.attempt, job.reschedules) == (2, 1)
    job.done()
    assert_spool_tidy(spool.path)


@pytest.mark.parametrize("of", ["spool", "job"])
def test_used_up_attempts_end_in_failed(make_spool: Callable[..., Spool], of: str) -> None:
    spool = make_spool(max_attempts=2 if of == "spool" else 99)
    job_id = spool.publish(b"task", max_attempts=None if of == "spool" else 2)
    spool.get_job(timeout=0).fail("first", delay=0)
    spool.get_job(timeout=0).fail("second", delay=0)
    info = spool.get(job_id)
    assert (info.status, info.outcome, info.reason) == (JobStatus.FAILED, "failed", "second")
    assert (info.reschedules, info.attempt, info.next_execution_at) == (2, 2, None)
    assert [event["reason"] for event in spool.history(job_id)] == ["first", "second"]
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert_spool_tidy(spool.path)


def test_max_attempts_zero_of_a_job_lifts_the_spools_limit(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(max_attempts=1)
    job_id = spool.publish(b"task", max_attempts=0)
    for _ in range(5):
        spool.get_job(timeout=0).fail("again", delay=0)
    assert spool.get(job_id).status is JobStatus.READY


def test_fail_without_retry_is_for_good(spool: Spool) -> None:
    job_id = spool.publish(b"task", max_attempts=50)
    spool.get_job(timeout=0).fail("nonsense in it", retry=False)
    info = spool.get(job_id)
    assert (info.status, info.outcome) == (JobStatus.FAILED, "failed")
    assert (info.reason, info.attempt) == ("nonsense in it", 1)
    assert (spool.stats().failed, spool.stats().done) == (1, 0)
    assert_spool_tidy(spool.path)


REASONS = ["", "two\nlines", "\x1b[31mred", "знач", "nul\0", "\udcff", "x" * 1_000_000]


@pytest.mark.parametrize("reason", REASONS, ids=range(len(REASONS)))
def test_reason_may_be_any_text(spool: Spool, reason: str) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).fail(reason, retry=False)
    info = spool.get(job_id)
    assert info.status is JobStatus.FAILED
    (event,) = spool.history(job_id)
    assert event["reason"] == spool.details(job_id)["end"]["reason"] == info.reason
    if len(reason) < 8000:
        assert info.reason == reason
    else:
        start, cut, end = str(info.reason).split("\n")
        assert cut == f"[... {len(reason) - len(start) - len(end)} characters cut ...]"
        assert reason.startswith(start)
        assert reason.endswith(end)
        assert 7000 < len(str(info.reason)) <= 8000


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), "5", True])
def test_delay_that_makes_no_sense_is_refused_and_the_lease_stays(spool: Spool, delay: Any) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    for call in (lambda: job.fail("no", delay=delay), lambda: job.release(delay=delay)):
        with pytest.raises(InvalidSetting, match="delay="):
            call()
        assert spool.get(job_id).status is JobStatus.PROCESSING
    job.done()
    assert spool.get(job_id).status is JobStatus.DONE
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I3")
def test_release_gives_back_at_once_and_counts_nothing(spool: Spool) -> None:
    job_id = spool.publish(b"task", max_attempts=1)
    for _ in range(3):
        job = spool.get_job(timeout=0)
        assert (job.attempt, job.reschedules) == (1, 0)
        job.release()
        assert (spool.get(job_id).status, spool.get(job_id).reschedules) == (JobStatus.READY, 0)
    assert_spool_tidy(spool.path)


def test_release_after_a_failed_attempt_keeps_the_count(spool: Spool) -> None:
    spool.publish(b"task")
    spool.get_job(timeout=0).fail("counted", delay=0)
    second = spool.get_job(timeout=0)
    second.release()
    third = spool.get_job(timeout=0)
    assert (third.attempt, third.reschedules) == (2, 1)
    assert third.lease != second.lease


def test_release_may_be_delayed(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).release(delay=300)
    info = spool.get(job_id)
    assert (info.status, info.reschedules) == (JobStatus.DELAYED, 0)
    assert 290 < seconds_until(info.next_execution_at) < 301
    soon = spool.publish(b"soon")
    spool.get_job(timeout=0).release(delay=0.2)
    job = spool.get_job(timeout=20)
    assert (job.id, job.attempt) == (soon, 1)


def test_retry_of_a_failed_job_starts_again_and_its_history_stays(spool: Spool) -> None:
    job_id = spool.publish(b"task", max_attempts=2, headers={"a": "b"})
    spool.get_job(timeout=0).fail("first", delay=0)
    spool.get_job(timeout=0).fail("second", delay=0)
    info = spool.retry(job_id)
    assert (info.id, info.status, info.reschedules) == (job_id, JobStatus.READY, 0)
    assert info.outcome is None
    reasons = [event.get("reason") for event in spool.history(job_id)]
    assert reasons[:2] == ["first", "second"]
    job = spool.get_job(timeout=0)
    assert (job.task, job.attempt, job.headers) == (b"task", 1, {"a": "b"})
    job.fail("third", delay=0)
    job = spool.get_job(timeout=0)
    assert job.attempt == 2
    job.done()
    assert spool.get(job_id).outcome == "done"
    assert_spool_tidy(spool.path)


def test_retry_leaves_no_record_of_the_old_end(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).fail("for good", retry=False)
    spool.retry(job_id)
    spool.get_job(timeout=0).done()
    info = spool.get(job_id)
    assert (info.status, info.outcome) == (JobStatus.DONE, "done")
    assert info.reason != "for good"


@pytest.mark.parametrize("job_id", ["", "x", "../x", "5-20260101T000000000000-AAAAAAAA", "a" * 300])
def test_retry_and_others_of_an_unknown_id_say_so(spool: Spool, job_id: str) -> None:
    for ask in (spool.retry, spool.result, spool.details):
        with pytest.raises(UnknownJob) as caught:
            ask(job_id)
        assert caught.value.job_id == job_id


@pytest.mark.guarantee("I4")
def test_retry_of_what_has_not_failed_runs_nothing_twice(spool: Spool) -> None:
    done, leased, ready = (spool.publish(b"task") for _ in range(3))
    spool.get_job(timeout=0).done()
    spool.get_job(timeout=0)
    before = [spool.get(job_id) for job_id in (done, leased, ready)]
    for job_id, info in zip((done, leased, ready), before, strict=True):
        assert spool.retry(job_id) == info
    assert spool.get_job(timeout=0).id == ready
    with pytest.raises(Empty):
        spool.get_job(timeout=0)


def test_reason_of_the_last_failure_shows_while_it_waits(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).fail("disk on fire", delay=timedelta(hours=1).total_seconds())
    assert spool.get(job_id).reason == "disk on fire"
    assert_spool_sound(spool.path)
