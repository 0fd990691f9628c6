"""fork, and multiprocessing by fork and by spawn."""

from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy
from support.waits import eventually
from support.workers import exit_code, forked, take_and_do

from spoolq import Empty, LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

# Python 3.12 and later warn of any fork while threads are about; what happens then is the test.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def test_forked_child_uses_the_spool_and_so_does_its_parent(spool: Spool) -> None:
    spool.publish_many([b"one", b"two", b"three"])
    spool.get_job(timeout=0).done()
    spool.pause("until the parent has its watch and its threads")
    with pytest.raises(Empty):
        spool.get_job(timeout=0.4)
    spool.resume()
    parents_owner = spool.owner

    def child() -> None:
        assert spool.owner != parents_owner
        job = spool.get_job(timeout=5)
        with job.keep_alive():
            job.extend()
        job.done()
        spool.publish(b"from the child")
        spool.close()

    assert exit_code(forked(child)) == 0
    tasks = [spool.get_job(timeout=5) for _ in range(2)]
    assert {job.task for job in tasks} == {b"three", b"from the child"}
    for job in tasks:
        job.done()
    assert_spool_tidy(spool.path, grace_allowed=True)


def test_forked_child_blocks_and_is_woken_like_anybody(spool: Spool) -> None:
    with pytest.raises(Empty):
        spool.get_job(timeout=0.4)

    def child() -> None:
        spool.get_job(timeout=30).done()
        spool.close()

    pid = forked(child)
    job_id = spool.publish(b"task")
    assert exit_code(pid) == 0
    assert spool.get(job_id).outcome == "done"


def test_fork_while_other_threads_use_the_spool(spool: Spool) -> None:
    spool.publish_many([b"%d" % number for number in range(400)])
    threads = [
        threading.Thread(target=lambda: [job.done() for job in spool.jobs(idle_timeout=0.5)])
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()

    def child() -> None:
        for _ in range(3):
            spool.publish(b"from a child")
        for job in spool.get_jobs(1, timeout=0.5):  # unless the parent's threads take them all
            job.done()
        spool.close()

    for _ in range(5):
        assert exit_code(forked(child)) == 0
    for thread in threads:
        thread.join()
    for job in spool.jobs(idle_timeout=0):
        job.done()
    assert spool.stats().done == 415
    assert_spool_tidy(spool.path, grace_allowed=True)


@pytest.mark.guarantee("I5")
def test_childs_exit_ends_nothing_that_the_parent_holds(spool: Spool) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    with job.keep_alive() as alive:
        assert exit_code(forked(spool.close)) == 0
        assert not alive.lost.is_set()
    assert spool.get(job.id).status.name == "PROCESSING"
    job.done()
    assert_spool_tidy(spool.path, grace_allowed=True)


@pytest.mark.guarantee("I5")
def test_job_ended_in_a_child_is_ended_for_the_parent(spool: Spool) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    assert exit_code(forked(lambda: job.fail("in the child", retry=False))) == 0
    with pytest.raises(LeaseLost):
        job.extend()
    assert_spool_sound(spool.path)


@pytest.mark.guarantee("I2")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_get_the_spool_as_an_argument(spool: Spool, method: str) -> None:
    context = multiprocessing.get_context(method)
    ids = spool.publish_many([b"%d" % number for number in range(60)])
    results = context.Queue()
    processes = [context.Process(target=take_and_do, args=(spool, results)) for _ in range(3)]
    for process in processes:
        process.start()
    done = [entry for _ in processes for entry in results.get(timeout=60)]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    results.close()
    results.join_thread()
    assert sorted(job_id for job_id, _, _ in done) == sorted(ids)
    eventually(lambda: spool.stats().done == 60)
    assert_spool_tidy(spool.path, grace_allowed=True)


def test_names_of_leases_and_jobs_differ_after_a_fork(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    def child() -> None:
        spool.publish_many([b"child"] * 100)

    pids = [forked(child) for _ in range(3)]
    ids = spool.publish_many([b"parent"] * 100)
    assert [exit_code(pid) for pid in pids] == [0, 0, 0]
    assert len(set(ids)) == 100
    assert spool.stats().ready == 400
    leases = {job.lease for job in (open_again(spool).get_job(timeout=0) for _ in range(5))}

    def take() -> None:
        assert spool.get_job(timeout=5).lease not in leases

    assert [exit_code(forked(take)) for _ in range(3)] == [0, 0, 0]
