"""get_jobs and jobs(): several at a time, one after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy, names
from support.waits import eventually

from spoolq import Closed, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.mark.guarantee("I1")
def test_batch_is_as_many_as_there_are_up_to_the_limit_in_order(spool: Spool) -> None:
    ids = spool.publish_many([b"%d" % number for number in range(10)])
    first = spool.get_jobs(7, timeout=0)
    second = spool.get_jobs(7, timeout=0)
    assert [job.id for job in first + second] == ids
    assert (len(first), len(second)) == (7, 3)
    assert spool.get_jobs(7, timeout=0) == []
    assert_spool_sound(spool.path)
    for job in first + second:
        job.done()
    assert_spool_tidy(spool.path)


def test_batch_shares_what_it_costs(spool: Spool) -> None:
    spool.publish_many([b"task"] * 20)
    jobs = spool.get_jobs(20, timeout=0)
    sidecars = [name for name in names(spool.path, "leased") if name.endswith(".lease")]
    assert len(sidecars) == 1
    assert {job.lease for job in jobs} == {sidecars[0].removesuffix(".lease")}


def test_batch_with_terms_of_their_own_keeps_each(spool: Spool) -> None:
    spool.publish(b"long", lease_seconds=1000)
    spool.publish(b"default")
    long, default = spool.get_jobs(2, timeout=0)
    assert (long.lease_seconds, default.lease_seconds) == (1000, 60)
    assert (long.deadline - default.deadline).total_seconds() == pytest.approx(940, abs=5)
    assert spool.get(long.id).deadline == long.deadline
    assert spool.get(default.id).deadline == default.deadline


@pytest.mark.guarantee("I5")
def test_jobs_of_a_batch_end_independently(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    spool = make_spool(lease_seconds=1.5)
    spool.publish_many([b"%d" % number for number in range(5)])
    done, failed, released, extended, expired = spool.get_jobs(5, timeout=0)
    extended.extend(60)
    done.done()
    failed.fail("no", retry=False)
    released.release(delay=3600)
    again = open_again(spool).get_job(timeout=20)
    assert again.id == expired.id
    stats = spool.stats()
    assert (stats.done, stats.failed, stats.delayed, stats.leased) == (1, 1, 1, 2)
    extended.done()
    again.extend(60)
    again.done()
    assert_spool_tidy(spool.path)


def test_batch_waits_for_the_first_only(spool: Spool) -> None:
    start = time.monotonic()
    assert spool.get_jobs(3, timeout=0.3) == []
    assert 0.3 <= time.monotonic() - start < 3
    spool.publish(b"one")
    assert len(spool.get_jobs(3, timeout=60)) == 1


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True, None])
def test_limit_that_makes_no_sense_is_refused(spool: Spool, limit: Any) -> None:
    spool.publish(b"task")
    with pytest.raises(InvalidSetting, match="limit="):
        spool.get_jobs(limit, timeout=0)
    assert spool.stats().ready == 1


def test_iterator_gives_all_and_ends_when_idle(spool: Spool) -> None:
    ids = spool.publish_many([b"%d" % number for number in range(5)])
    seen = []
    for job in spool.jobs(idle_timeout=0.2):
        seen.append(job.id)
        with job:
            if len(seen) == 1:
                ids.append(spool.publish(b"while working"))
    assert seen == ids
    assert_spool_tidy(spool.path)


def test_iterator_waits_anew_after_each_job(spool: Spool) -> None:
    spool.publish(b"first")
    seen = []
    for job in spool.jobs(idle_timeout=1.5):
        seen.append(job.task)
        job.done()
        if len(seen) == 1:
            spool.publish(b"second", delay=0.5)
    assert seen == [b"first", b"second"]


def test_iterator_left_early_holds_no_job_that_was_not_given(spool: Spool) -> None:
    spool.publish_many([b"task"] * 5)
    for job in spool.jobs(idle_timeout=0):
        job.done()
        break
    eventually(lambda: spool.stats().leased == 0, what="nothing held")
    assert (spool.stats().ready, spool.stats().done) == (4, 1)


def test_iterator_without_timeout_ends_when_the_spool_is_closed(spool: Spool) -> None:
    spool.publish(b"only")
    seen = []
    try:
        for job in spool.jobs():
            seen.append(job.task)
            job.done()
            spool.close()
    except Closed:
        seen.append(b"Closed")
    assert seen in ([b"only"], [b"only", b"Closed"])
