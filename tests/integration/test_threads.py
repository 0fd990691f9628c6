"""One Spool shared by threads."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_tidy
from support.waits import eventually

from spoolq import Empty, LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def run_all(bodies: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own; fail with the first error of any."""
    raised: list[BaseException] = []

    def guarded(body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


@pytest.mark.guarantee("I2")
@pytest.mark.guarantee("I4")
def test_eight_threads_share_one_spool_and_do_each_task_once(spool: Spool) -> None:
    seen: Counter[bytes] = Counter()
    lock = threading.Lock()

    def publish(part: int) -> None:
        for number in range(500):
            spool.publish(b"%d-%d" % (part, number))

    def consume() -> None:
        for job in spool.jobs(idle_timeout=1):
            with lock:
                seen[job.task] += 1
            job.done()

    run_all([lambda p=part: publish(p) for part in range(4)] + [consume] * 4)
    assert len(seen) == 2000
    assert set(seen.values()) == {1}
    assert spool.stats().done == 2000
    assert_spool_tidy(spool.path, grace_allowed=True)


def test_threads_that_renew_end_and_look_at_once_do_not_disturb_each_other(spool: Spool) -> None:
    spool.publish_many([b"%d" % number for number in range(200)])

    def work() -> None:
        for job in spool.jobs(idle_timeout=0.3):
            with job.keep_alive():
                job.extend(30)
                assert spool.get(job.id).deadline is not None
            job.done()

    run_all([work] * 8)
    assert spool.stats().done == 200
    assert_spool_tidy(spool.path, grace_allowed=True)


def test_one_publish_wakes_one_of_many_blocked_threads(spool: Spool) -> None:
    taken: list[bytes] = []

    def wait() -> None:
        try:
            taken.append(spool.get_job(timeout=3).task)
        except Empty:
            pass

    def publish() -> None:
        for number in range(5):
            spool.publish(b"%d" % number)
            eventually(lambda n=number: len(taken) > n, what="somebody woke")

    run_all([wait] * 6 + [publish])
    assert sorted(taken) == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.guarantee("I5")
def test_one_job_ended_by_many_threads_at_once_ends_once(spool: Spool) -> None:
    for _ in range(50):
        job_id = spool.publish(b"task")
        job = spool.get_job(timeout=0)
        barrier = threading.Barrier(4)

        def end(call: Callable[[], None], barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with suppress(LeaseLost):
                call()

        run_all(
            [
                lambda j=job: end(j.done),
                lambda j=job: end(lambda: j.fail("no", retry=False)),
                lambda j=job: end(j.extend),
                lambda i=job_id: end(lambda: spool.cancel(i)),
            ]
        )
        assert spool.get(job_id).status.name in ("DONE", "FAILED")
    assert_spool_tidy(spool.path, grace_allowed=True)
