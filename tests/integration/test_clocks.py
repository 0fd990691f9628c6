"""Hosts whose clocks are hours apart agree on every expiry (section 4)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.processes import fake_clock
from support.spools import assert_spool_tidy
from support.waits import eventually

from spoolq import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.processes import Actor

    from spoolq import Spool

pytestmark = [
    pytest.mark.skipif(fake_clock("+2h") is None, reason="Debian's package faketime is missing"),
    pytest.mark.guarantee("I7"),
]
OFFSETS = ["+2h", "-3h"]
TERM = 2.5


@pytest.fixture(params=OFFSETS)
def wrong(request: pytest.FixtureRequest, actor: Callable[..., Actor]) -> Callable[..., Actor]:
    """Start another process whose clock is hours off."""

    def start(spool: Spool) -> Actor:
        other = actor(spool, env=fake_clock(request.param))
        assert abs(other.call("hello")["time"] - time.time()) > 3600
        return other

    return start


def test_lease_of_a_host_with_a_wrong_clock_lasts_its_term(
    make_spool: Callable[..., Spool], wrong: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=TERM)
    holder = wrong(spool)
    job_id = spool.publish(b"task")
    asked = time.time()
    held = holder.call("get_job", timeout=10)
    assert asked + TERM - 0.1 < held["deadline"] < time.time() + TERM + 0.1
    info = spool.get(job_id)
    assert info.next_execution_at is not None
    assert abs(info.next_execution_at.timestamp() - held["deadline"]) < 0.01
    assert spool.reap().returned == 0
    again = spool.get_job(timeout=30)
    assert held["deadline"] - 0.05 < time.time() < held["deadline"] + 20
    again.done()
    assert_spool_tidy(spool.path)


def test_host_with_a_wrong_clock_reaps_neither_early_nor_never(
    make_spool: Callable[..., Spool], wrong: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=TERM)
    other = wrong(spool)
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    assert other.call("reap")["returned"] == 0
    eventually(lambda: other.call("reap")["returned"] == 1, what="taken back")
    assert -0.05 < time.time() - job.deadline.timestamp() < 20


def test_holder_with_a_wrong_clock_renews_and_ends_its_job(
    make_spool: Callable[..., Spool], wrong: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=TERM)
    holder = wrong(spool)
    job_id = spool.publish(b"task")
    held = holder.call("get_job", timeout=10)
    holder.call("extend", job_id=job_id, seconds=60)
    assert holder.call("lost", job_id=job_id) is False
    eventually(lambda: time.time() > held["deadline"] + 0.2)
    assert spool.reap().returned == 0
    holder.call("done", job_id=job_id, result="right")
    assert spool.result(job_id) == b"right"


def test_two_wrong_clocks_agree_with_each_other(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=TERM)
    early, late = actor(spool, env=fake_clock("-3h")), actor(spool, env=fake_clock("+2h"))
    late.call("hello")
    spool.publish(b"task")
    held = early.call("get_job", timeout=10)
    again = late.call("get_job", timeout=30)
    assert again["attempt"] == 2
    assert held["deadline"] - 0.05 < time.time() < held["deadline"] + 20


def test_delay_of_a_host_with_a_wrong_clock_is_the_delay_it_asked_for(
    spool: Spool, wrong: Callable[..., Actor]
) -> None:
    other = wrong(spool)
    asked = time.time()
    job_id = other.call("publish", text="later", delay=0.8)
    info = spool.get(job_id)
    assert info.status is JobStatus.DELAYED
    assert info.published_at is not None
    assert abs(info.published_at.timestamp() - asked) < 1
    job = spool.get_job(timeout=30)
    assert 0.75 < time.time() - asked < 20
    job.done()


def test_order_by_age_does_not_depend_on_the_publishers_clock(
    spool: Spool, wrong: Callable[..., Actor]
) -> None:
    other = wrong(spool)
    ids = []
    for _ in range(3):
        ids.append(spool.publish(b"here"))
        time.sleep(0.02)  # further apart than the file server's clock ticks
        ids.append(other.call("publish", text="there"))
        time.sleep(0.02)
    assert ids == sorted(ids)
    assert [spool.get_job(timeout=0).id for _ in ids] == ids
