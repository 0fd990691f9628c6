"""Processes that die, freeze or race: SIGKILL, SIGSTOP and SIGCONT, many at once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.processes import Refused
from support.spools import assert_spool_sound, assert_spool_tidy, names
from support.waits import eventually
from support.workers import (
    exit_code,
    forked,
    publish_in_step,
    publish_until_killed,
    race_for_jobs,
    race_to_cancel,
)

from spoolq import JobStatus, Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.processes import Actor

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
FORK = multiprocessing.get_context("fork")


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I5")
def test_job_of_a_killed_holder_comes_again_when_its_lease_is_over_and_not_before(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=1.5)
    job_id = spool.publish(b"task")
    holder = actor(spool)
    held = holder.call("get_job", timeout=5)
    holder.kill()
    again = spool.get_job(timeout=30)
    assert time.time() >= held["deadline"] - 0.02
    assert (again.id, again.attempt, again.task) == (job_id, 2, b"task")
    again.done()
    assert_spool_tidy(spool.path, grace_allowed=True)


@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("ending", ["done", "fail", "extend", "release"])
def test_holder_that_froze_past_its_lease_learns_that_it_lost(
    spool: Spool, actor: Callable[..., Actor], ending: str
) -> None:
    job_id = spool.publish(b"task", lease_seconds=0.5)
    holder = actor(spool)
    holder.call("get_job", timeout=5)
    holder.stop()
    other = spool.get_job(timeout=30)
    other.extend(60)
    holder.go_on()
    with pytest.raises(Refused) as caught:
        holder.call(ending, job_id=job_id)
    assert caught.value.kind == "LeaseLost"
    assert holder.call("lost", job_id=job_id) is True
    assert spool.get(job_id).status is JobStatus.PROCESSING
    other.done()
    assert_spool_tidy(spool.path, grace_allowed=True)


@pytest.mark.guarantee("I5")
def test_holder_that_froze_but_was_not_replaced_finishes(
    spool: Spool, actor: Callable[..., Actor]
) -> None:
    job_id = spool.publish(b"task", lease_seconds=0.5)
    holder = actor(spool)
    held = holder.call("get_job", timeout=5)
    holder.stop()
    eventually(lambda: time.time() > held["deadline"] + 0.1)
    holder.go_on()
    holder.call("done", job_id=job_id)
    assert spool.get(job_id).outcome == "done"


@pytest.mark.guarantee("I5")
def test_consumer_frozen_in_the_middle_of_anything_hands_out_no_dead_lease(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    spool = make_spool(lease_seconds=0.4)
    consumer = actor(spool)
    consumer.call("hello")
    for round_number in range(12):
        spool.publish(b"task")
        consumer.start("get_job", timeout=20)
        until = time.monotonic() + round_number * 0.0004
        while time.monotonic() < until:
            pass
        consumer.stop()
        time.sleep(0.5)  # longer than a lease: the time that must pass is the test
        consumer.go_on()
        job = consumer.answer()
        assert job["wall"] < job["deadline"] + 0.02  # alive when get_job returned
        spool.cancel(job["id"])
        for other in spool.get_jobs(5, timeout=0):
            other.done()
    consumer.kill()
    eventually(lambda: spool.reap() and spool.stats().leased == 0)
    assert_spool_sound(spool.path)


def collect(processes: list[Any], results: Any) -> list[Any]:
    """Start, take one answer of each, and see that all ended well."""
    for process in processes:
        process.start()
    answers = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    results.close()
    results.join_thread()
    return answers


@pytest.mark.guarantee("I2")
def test_racing_consumers_never_take_the_same_job(spool: Spool) -> None:
    ids = spool.publish_many([b"%d" % number for number in range(2000)])
    barrier, results = FORK.Barrier(6), FORK.Queue()
    processes = [
        FORK.Process(target=race_for_jobs, args=(spool.path, barrier, results)) for _ in range(6)
    ]
    taken = Counter(entry for answer in collect(processes, results) for entry in answer)
    assert sorted(job_id for job_id, _ in taken) == sorted(ids)
    assert set(taken.values()) == {1}
    assert {attempt for _, attempt in taken} == {1}
    assert_spool_tidy(spool.path, grace_allowed=True)


@pytest.mark.guarantee("I2")
@pytest.mark.guarantee("I4")
def test_racing_cancel_and_consumers_agree_on_every_job(spool: Spool) -> None:
    ids = spool.publish_many([b"%d" % number for number in range(600)])
    barrier, results = FORK.Barrier(3), FORK.Queue()
    processes = [
        FORK.Process(target=race_for_jobs, args=(spool.path, barrier, results)),
        FORK.Process(target=race_to_cancel, args=(spool.path, ids, barrier, results)),
        FORK.Process(target=race_to_cancel, args=(spool.path, ids, barrier, results)),
    ]
    answers = collect(processes, results)
    outcomes = {info.id: info.outcome for info in spool.list(JobStatus.DONE)}
    assert set(outcomes) == set(ids)
    cancels = [answer for answer in answers if answer and isinstance(answer[0], str)]
    for answer in cancels:
        assert answer == [outcomes[job_id] for job_id in reversed(ids)]
    assert_spool_tidy(spool.path, grace_allowed=True)


@pytest.mark.guarantee("I2")
def test_two_who_publish_the_same_key_at_once_get_the_same_id(spool: Spool) -> None:
    rounds = 400
    barrier, results = FORK.Barrier(2), FORK.Queue()
    processes = [
        FORK.Process(target=publish_in_step, args=(spool.path, "k", rounds, barrier, results))
        for _ in range(2)
    ]
    first, second = collect(processes, results)
    assert first == second
    assert len(set(first)) == rounds
    assert spool.stats().ready == rounds
    owners = Counter(spool.get_job(timeout=0).task for _ in range(rounds))
    assert set(owners) <= {b"%d" % process.pid for process in processes}
    assert_spool_sound(spool.path)


@pytest.mark.guarantee("I3")
def test_key_of_a_publisher_killed_in_between_is_published_once(
    make_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = make_spool()
    chance = random.Random(20261124)
    rounds = 40
    expected: Counter[bytes] = Counter()
    for number in range(rounds):
        log = tmp_path / f"log-{number}"
        pid = forked(lambda n=number, log=log: publish_until_killed(spool.path, f"r{n}", str(log)))
        eventually(log.exists, what="child under way")
        time.sleep(chance.uniform(0, 0.02))
        kill(pid)
        told = dict(line.split() for line in log.read_text().splitlines())
        keys = range(len(told) + 2)  # one may be published and not told, none more
        ids = [spool.publish(b"%d" % k, key=f"r{number}-{k}", headers={"n": "2"}) for k in keys]
        assert {str(k): job_id for k, job_id in enumerate(ids)} | told == {
            str(k): job_id for k, job_id in enumerate(ids)
        }
        assert ids == [spool.publish(b"again", key=f"r{number}-{k}") for k in keys]
        expected.update(b"%d" % k for k in keys)
    assert spool.stats().ready == expected.total()
    assert Counter(spool.get_job(timeout=0).task for _ in range(expected.total())) == expected
    assert_spool_sound(spool.path)


def kill(pid: int) -> None:
    """SIGKILL a forked child, and wait for it."""
    os.kill(pid, signal.SIGKILL)
    exit_code(pid)


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I5")
def test_lost_sidecar_gets_one_term_whoever_notices_and_dies(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    term = 2.0
    spool = make_spool(lease_seconds=term)
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    (Path(spool.path) / "leased" / f"{job.lease}.lease").unlink()
    first, second = actor(spool), actor(spool)
    second.call("hello")
    noticed = time.monotonic()
    assert first.call("reap")["returned"] == 0
    first.kill()
    grace = Path(spool.path) / "leased" / f"{job.lease}.grace"
    granted = grace.read_bytes()
    eventually(lambda: time.monotonic() > noticed + term / 2)
    second.call("reap")
    assert not grace.exists() or grace.read_bytes() == granted, "granted anew"
    eventually(lambda: (second.call("reap"), spool.get(job_id).status)[1] is JobStatus.READY)
    assert time.monotonic() - noticed > term - 0.05
    spool.get_job(timeout=5).done()
    second.call("reap")
    assert names(spool.path, "leased") == []


@pytest.mark.guarantee("I6")
def test_publisher_killed_in_a_big_write_leaves_nothing_to_be_seen(
    make_spool: Callable[..., Spool], actor: Callable[..., Actor]
) -> None:
    spool = make_spool(sweep_seconds=0.3)
    size = 60 << 20
    for number in range(5):
        publisher = actor(spool)
        publisher.call("hello")
        publisher.start("publish_bytes", size=size)
        eventually(lambda: names(spool.path, "sys/tmp") or spool.stats().ready, what="writing")
        time.sleep(number * 0.004)
        publisher.kill()
        for job in spool.jobs(idle_timeout=0):
            assert len(job.task) == size
            job.done()
        spool.prune(older_than_seconds=0)
    eventually(lambda: spool.reap() and not names(spool.path, "sys/tmp"), what="swept")
    assert_spool_tidy(spool.path, grace_allowed=True)
