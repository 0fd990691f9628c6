"""Blocked consumers: woken by other processes, by time, by Ctrl-C; costing nothing meanwhile."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from support.processes import Ended, Refused, cpu_seconds, wait_until_blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.processes import Actor

    from spoolq import Spool


def test_consumer_is_woken_by_the_event_of_another_process(
    spool: Spool, actor: Callable[..., Actor]
) -> None:
    consumer = actor(spool)
    waits = []
    for number in range(9):
        consumer.start("get_job", timeout=30)
        wait_until_blocked(consumer.pid)
        published = time.monotonic()
        job_id = spool.publish(b"%d" % number)
        woken = consumer.answer()
        assert (woken["id"], woken["task"]) == (job_id, str(number))
        waits.append(woken["monotonic"] - published)
        consumer.call("done", job_id=job_id)
    # Polling would take seconds; an event held back by a half-seen move, a quarter of one. A
    # loaded machine delays most, never all.
    assert sorted(waits)[2] < 0.2, waits


def test_consumer_is_woken_for_delayed_and_released_and_retried_tasks(
    spool: Spool, actor: Callable[..., Actor]
) -> None:
    consumer = actor(spool)

    def woken(move: Callable[[], object]) -> str:
        consumer.start("get_job", timeout=20)
        wait_until_blocked(consumer.pid)
        move()
        job = consumer.answer()
        return str(job["id"])

    delayed = woken(lambda: spool.publish(b"later", delay=0.3))
    assert spool.get(delayed).status.name == "PROCESSING"
    spool.publish(b"held")
    held = spool.get_job(timeout=5)
    assert woken(held.release) == held.id
    spool.publish(b"failing")
    failing = spool.get_job(timeout=5)
    failing.fail("no", retry=False)
    assert woken(lambda: spool.retry(failing.id)) == failing.id


@pytest.mark.guarantee("I3")
def test_consumer_is_woken_by_a_lease_that_ends(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=1.5)
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0)
    consumer = actor(spool)
    consumer.start("get_job", timeout=30)
    wait_until_blocked(consumer.pid)
    job = consumer.answer()
    assert (job["id"], job["attempt"]) == (job_id, 2)


def test_blocked_consumer_costs_next_to_nothing(spool: Spool, actor: Callable[..., Actor]) -> None:
    spool.publish(b"held by another for long")
    spool.get_job(timeout=0)
    spool.publish(b"far off", delay=3600)
    consumer = actor(spool)
    consumer.start("get_job", timeout=4)
    wait_until_blocked(consumer.pid)
    before, start = cpu_seconds(consumer.pid), time.monotonic()
    with pytest.raises(Refused, match="Empty"):
        consumer.answer()
    used = cpu_seconds(consumer.pid) - before
    assert used < 0.02 * (time.monotonic() - start) + 0.03


@pytest.mark.parametrize("timeout", [None, 60])
def test_ctrl_c_in_a_blocked_get_job_raises_at_once(
    spool: Spool, actor: Callable[..., Actor], timeout: float | None
) -> None:
    consumer = actor(spool)
    consumer.start("get_job", timeout=timeout)
    wait_until_blocked(consumer.pid)
    start = time.monotonic()
    os.kill(consumer.pid, signal.SIGINT)
    with pytest.raises(Refused) as caught:
        consumer.answer()
    assert caught.value.kind == "KeyboardInterrupt"
    assert time.monotonic() - start < 4  # the next poll would come after five
    job_id = spool.publish(b"and it goes on")
    assert consumer.call("get_job", timeout=10)["id"] == job_id


@pytest.mark.guarantee("I3")
def test_ctrl_c_at_any_moment_leaves_no_job_behind(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=2)
    consumer = actor(spool)
    for delay in (0, 0.0005, 0.001, 0.002, 0.004, 0.008):
        spool.publish(b"task")
        consumer.start("get_job", timeout=60)
        until = time.monotonic() + delay
        while time.monotonic() < until:
            pass
        os.kill(consumer.pid, signal.SIGINT)
        try:
            consumer.answer()  # the job, or KeyboardInterrupt
        except Refused:
            pass
        except Ended:  # it was hit outside the call
            consumer = actor(spool)
    consumer.kill()
    for _ in range(6):
        spool.get_job(timeout=20).done()
    assert spool.stats().done == 6
