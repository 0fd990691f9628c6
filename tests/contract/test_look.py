"""Looking without touching: get, list, stats, details, result, history."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.spools import everything_under
from support.waits import eventually

from spoolq import JobStatus, SpoolqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.fixture
def varied(spool: Spool) -> dict[str, str]:
    """One job in each state: what it is -> id."""
    ids: dict[str, str] = {}
    ids["done"] = spool.publish(b"done")
    spool.get_job(timeout=0).done(b"result")
    ids["failed"] = spool.publish(b"failed")
    spool.get_job(timeout=0).fail("broken", retry=False)
    ids["cancelled"] = spool.publish(b"cancelled")
    spool.cancel(ids["cancelled"])
    ids["leased"] = spool.publish(b"leased", headers={"h": "v"})
    spool.get_job(timeout=0)
    ids["delayed"] = spool.publish(b"delayed", delay=3600)
    ids["ready"] = spool.publish(b"ready", key="k")
    return ids


STATUS = {
    "done": JobStatus.DONE,
    "cancelled": JobStatus.DONE,
    "failed": JobStatus.FAILED,
    "leased": JobStatus.PROCESSING,
    "delayed": JobStatus.DELAYED,
    "ready": JobStatus.READY,
}


def test_numbers_of_the_states_are_the_contracts() -> None:
    assert {status.name: int(status) for status in JobStatus} == {
        "UNKNOWN": 0,
        "PROCESSING": 1,
        "DONE": 2,
        "READY": 3,
        "DELAYED": 4,
        "FAILED": 5,
    }


def test_get_tells_each_state(spool: Spool, varied: dict[str, str]) -> None:
    for what, job_id in varied.items():
        info = spool.get(job_id)
        assert (info.id, info.status) == (job_id, STATUS[what])
        assert (info.next_execution_at is not None) == (what in ("leased", "delayed"))
        assert (info.deadline is not None) == (what == "leased")
        assert info.outcome == (what if what in ("done", "cancelled", "failed") else None)


def test_looking_changes_nothing_on_disk(spool: Spool, varied: dict[str, str]) -> None:
    before = everything_under(spool.path)
    for job_id in varied.values():
        spool.get(job_id)
        spool.details(job_id)
        spool.history(job_id)
        spool.result(job_id)
    list(spool.list())
    spool.stats()
    assert everything_under(spool.path) == before


def test_list_tells_all_jobs_once_or_those_of_a_status(
    spool: Spool, varied: dict[str, str]
) -> None:
    assert {info.id: info for info in spool.list()} == {i: spool.get(i) for i in varied.values()}
    assert len(list(spool.list())) == len(varied)
    for status in set(STATUS.values()):
        listed = [info.id for info in spool.list(status)]
        assert sorted(listed) == sorted(varied[w] for w, s in STATUS.items() if s is status)
    assert list(spool.list(JobStatus.UNKNOWN)) == []


def test_list_of_waiting_jobs_is_in_the_order_they_will_come(spool: Spool) -> None:
    for priority in (7, 3, 5):
        spool.publish_many([b"a", b"b"], priority=priority)
    listed = [info.id for info in spool.list(JobStatus.READY)]
    assert listed == [spool.get_job(timeout=0).id for _ in range(6)]


def test_list_goes_on_while_jobs_move(spool: Spool) -> None:
    ids = spool.publish_many([b"task"] * 50)
    seen = []
    for info in spool.list():
        seen.append(info.id)
        if len(seen) == 1:
            for job in spool.get_jobs(50, timeout=0):
                job.done()
    assert len(seen) == len(set(seen))
    assert set(seen) <= set(ids)


def test_stats_counts_each_state(spool: Spool, varied: dict[str, str]) -> None:
    assert varied
    stats = spool.stats()
    counted = (stats.ready, stats.leased, stats.delayed, stats.done, stats.failed)
    assert counted == (1, 1, 1, 2, 1)
    assert stats.paused is None


def test_stats_tells_the_age_of_the_oldest_waiting_task(spool: Spool) -> None:
    assert spool.stats().oldest_ready_seconds is None
    published = datetime.now(UTC)
    spool.publish(b"old", priority=9)
    old = eventually(lambda: (s := spool.stats().oldest_ready_seconds or 0) > 0.3 and s)
    assert old <= (datetime.now(UTC) - published).total_seconds() + 0.2
    spool.publish(b"young", priority=0)
    assert (spool.stats().oldest_ready_seconds or 0) >= old


@pytest.mark.guarantee("I6")
@pytest.mark.parametrize("result", [b"", b"\0\xff", b"x" * 1_000_000])
def test_result_comes_back_byte_for_byte(
    spool: Spool, open_again: Callable[..., Spool], result: bytes
) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).done(result)
    assert open_again(spool).result(job_id) == result


def test_result_of_a_job_without_one_is_none(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    assert spool.result(job_id) is None
    spool.get_job(timeout=0).done()
    assert spool.result(job_id) is None


@pytest.mark.parametrize("result", ["text", 7, ["list"]])
def test_result_that_is_not_bytes_is_refused_and_the_lease_stays(
    spool: Spool, result: object
) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    with pytest.raises((SpoolqError, TypeError)):
        job.done(result)  # type: ignore[arg-type]
    assert spool.get(job_id).status is JobStatus.PROCESSING
    job.done(b"bytes")
    assert spool.result(job_id) == b"bytes"


def test_details_are_json_and_tell_what_get_does_not(spool: Spool, varied: dict[str, str]) -> None:
    details = {what: spool.details(job_id) for what, job_id in varied.items()}
    for found in details.values():
        assert json.loads(json.dumps(found)) == found
    assert details["leased"]["headers"] == {"h": "v"}
    assert details["ready"]["key"] == "k"
    assert details["ready"]["size"] == len(b"ready")
    assert details["failed"]["history"][0]["reason"] == "broken"


def test_history_of_a_smooth_job_is_empty(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).done()
    assert spool.history(job_id) == []


def test_history_tells_who_and_when_oldest_first(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    job_id = spool.publish(b"task")
    open_again(spool, owner="anna").get_job(timeout=0).fail("one", delay=0)
    open_again(spool, owner="boris").get_job(timeout=0).fail("two", delay=0)
    open_again(spool, owner="clara").get_job(timeout=0).extend(0.2)
    eventually(lambda: spool.reap().returned, what="expired")
    spool.cancel(job_id)
    events = spool.history(job_id)
    assert [event["attempt"] for event in events[:3]] == [1, 2, 3]
    assert [event["owner"] for event in events[:3]] == ["anna", "boris", "clara"]
    assert [event["reason"] for event in events[:2]] == ["one", "two"]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert len({event["event"] for event in events}) == 3  # failed, expired, cancelled
    assert json.loads(json.dumps(events)) == events
