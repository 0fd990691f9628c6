"""One worker process: takes tasks from the spool and computes, until told to stop.

Orders come on standard input: a line means "stop in the middle of your next task and hold it"
(so that it can be killed there), the end of input means "stop". So no worker outlives the tryout.
What it has done it says on standard output, a line each.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from spoolq import Closed, Job, LeaseLost, Spool
from tryout import figures

TASKS_PER_LEASE = 8


class Orders:
    """What the tryout wants of this worker: `hold` and `stop`, set as the orders come."""

    def __init__(self, spool: Spool, hold_at_once: bool) -> None:
        self.hold, self.stop = threading.Event(), threading.Event()
        if hold_at_once:
            self.hold.set()
        threading.Thread(target=self._read, args=(spool,), daemon=True).start()

    def _read(self, spool: Spool) -> None:
        for _ in sys.stdin:
            self.hold.set()
        self.stop.set()
        spool.close()


def main(path: str, owner: str, hold: str) -> int:
    """Work on the spool at `path` as `owner`; with hold "now" the first task is held for ever."""
    spool = Spool(path, owner=owner)
    orders = Orders(spool, hold == "now")
    _say("ready")
    while not orders.stop.is_set():
        try:
            jobs = spool.get_jobs(TASKS_PER_LEASE, timeout=None)
        except Closed:
            break
        for job in jobs:
            _work_on(job, owner, orders)
    return 0


def _work_on(job: Job, owner: str, orders: Orders) -> None:
    try:
        with job:
            computed = figures.of(job.task)
            if orders.hold.is_set():
                _say("holding", job.id)
                orders.stop.wait()
                raise SystemExit(0)
            told = {"worker": owner, "attempt": job.attempt, "figures": computed}
            job.done(json.dumps(told).encode())
    except LeaseLost:
        _say("lost", job.id)
    else:
        # done() of a job that another holder has done meanwhile is a quiet success, but not ours.
        _say("lost" if job.lost else "done", job.id)


def _say(*words: str) -> None:
    try:
        print(*words, flush=True)
    except BrokenPipeError:
        os._exit(1)  # the tryout itself was killed; its leases end by themselves
