"""Bodies of forked and spawned processes; importable by name, as spawn demands. Not a test."""

from __future__ import annotations

import itertools
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

    from spoolq import Spool


def forked(body: Callable[[], Any]) -> int:
    """Run `body` in a forked child that ends without the parent's clean-up; its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        body()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def exit_code(pid: int) -> int:
    """Wait for a forked child; its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def take_and_do(spool: Spool, results: Queue[Any]) -> None:
    """Do all jobs there are; tell which, and how they were held."""
    done = []
    for job in spool.jobs(idle_timeout=1):
        with job:
            done.append((job.id, job.lease, job.task))
    results.put(done)
    spool.close()


def publish_in_step(
    path: str, prefix: str, rounds: int, barrier: Barrier, results: Queue[Any]
) -> None:
    """Publish one keyed task a round, at the same moment as the others."""
    from spoolq import Spool

    with Spool(path) as spool:
        ids = []
        for number in range(rounds):
            barrier.wait(60)
            ids.append(spool.publish(b"%d" % os.getpid(), key=f"{prefix}-{number}"))
        results.put(ids)


def publish_until_killed(path: str, prefix: str, log: str) -> None:
    """Publish keyed tasks as fast as possible, writing down each id that was returned."""
    from spoolq import Spool

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with Spool(path) as spool:
        for number in itertools.count():
            job_id = spool.publish(b"%d" % number, key=f"{prefix}-{number}", headers={"n": "1"})
            os.write(file, f"{number} {job_id}\n".encode())


def race_for_jobs(path: str, barrier: Barrier, results: Queue[Any]) -> None:
    """Take and end everything there is, starting at the same moment as the others."""
    from spoolq import Spool

    with Spool(path) as spool:
        barrier.wait(60)
        mine = []
        for job in spool.jobs(idle_timeout=1):
            mine.append((job.id, job.attempt))
            job.done()
        results.put(mine)


def race_to_cancel(path: str, ids: list[str], barrier: Barrier, results: Queue[Any]) -> None:
    """Cancel all of them, from the last to the first."""
    from spoolq import Spool

    with Spool(path) as spool:
        barrier.wait(60)
        results.put([spool.cancel(job_id).outcome for job_id in reversed(ids)])
