"""What the processes of a soak do until somebody ends them: publish, consume, keep up.

Each writes what it does to a log of its own, whole lines at once: `verb moment id-or-name [facts]`.
The moment is the kernel's, taken from a file, for the process's own clock may be an hour off.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from support.spools import tasks_in

from spoolq import Empty, LeaseLost, Spool, StorageError, StorageFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Job

MOST_WAITING = 100
KEPT_SECONDS = 10.0  # so long an ended job can be seen before it is pruned


class Log:
    """An append-only file of one process, outside the spool's disk."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        directory, name = os.path.split(path)
        self._clock = os.open(f"{directory}/.{name}.clock", os.O_WRONLY | os.O_CREAT, 0o600)

    def say(self, verb: str, what: str, *facts: object) -> None:
        """One line, with the moment it was said."""
        os.pwrite(self._clock, b".", 0)
        moment = os.fstat(self._clock).st_mtime
        line = " ".join([verb, repr(moment), what, *map(str, facts)])
        os.write(self._file, f"{line}\n".encode())


def play(role: str, path: str, log: str, parent: str) -> None:
    """Be a process of this role until the soak is over."""
    roles: dict[str, Callable[..., None]] = {
        "publisher": publish,
        "consumer": consume,
        "upkeep": keep_up,
    }
    roles[role](path, Log(log), os.path.basename(log), lambda: os.getppid() == int(parent))


def insist(call: Callable[[], object], log: Log) -> None:
    """Do it again and again while the disk is full."""
    while True:
        try:
            call()
            return
        except StorageFull:
            log.say("refused", "-", "-")
            time.sleep(0.2)


def publish(path: str, log: Log, name: str, wanted: Callable[[], bool]) -> None:
    """Publish while not too many wait; cancel some."""
    chance = random.Random(name)
    with Spool(path, publish_only=True) as spool:
        for number in itertools.count():
            if not wanted():
                return
            task = f"{name}-{number}"
            try:
                job_id = spool.publish(
                    task.encode() * chance.choice([1, 1, 200]),
                    key=task if chance.random() < 0.2 else None,
                    headers={"task": task} if chance.random() < 0.2 else None,
                    priority=chance.randint(4, 6),
                    delay=chance.random() if chance.random() < 0.1 else 0.0,
                )
            except StorageError as error:
                if not isinstance(error, StorageFull) and error.errno != errno.ENOENT:
                    raise  # ENOENT: frozen for longer than sweep_seconds, its draft was swept
                log.say("refused", task)
                time.sleep(0.2)
                continue
            log.say("published", task, job_id)
            if chance.random() < 0.03:
                cancel(spool, job_id, log)
            time.sleep(0.01)
            while number % 20 == 0 and wanted() and len(os.listdir(f"{path}/ready")) > MOST_WAITING:
                time.sleep(0.1)


def cancel(spool: Spool, job_id: str, log: Log) -> None:
    """Cancel the job, if it has not ended by now."""
    try:
        info = spool.cancel(job_id)
    except StorageFull:
        return
    if info.outcome == "cancelled":
        log.say("ended", job_id, "cancelled")


def consume(path: str, log: Log, name: str, wanted: Callable[[], bool]) -> None:
    """Take jobs and mostly do them; sometimes release, fail or extend them, or take long."""
    chance = random.Random(name)
    with Spool(path) as spool:
        while wanted():
            try:
                job = spool.get_job(timeout=5)
            except Empty:
                continue
            except StorageFull:
                log.say("refused", "-", "-")
                time.sleep(0.2)
                continue
            log.say("took", job.id, job.lease, job.attempt, job.deadline.timestamp())
            if chance.random() < 0.03:
                time.sleep(chance.random())
            try:
                end(job, chance.random(), log)
            except LeaseLost:
                log.say("lost", job.id, job.lease)


def end(job: Job, draw: float, log: Log) -> None:
    """One way to go on with a job; giving it back is said before, for then it is not ours."""
    if draw < 0.03:
        log.say("gave-back", job.id, job.lease, "release")
        insist(job.release, log)
    elif draw < 0.06:
        log.say("gave-back", job.id, job.lease, "fail")
        insist(lambda: job.fail("soak", delay=draw * 5, retry=draw < 0.05), log)
    else:
        if draw < 0.10:
            insist(job.extend, log)
            log.say("took", job.id, job.lease, job.attempt, job.deadline.timestamp())
        insist(job.done, log)
        log.say("did", job.id, job.lease)


def keep_up(path: str, log: Log, _: str, wanted: Callable[[], bool]) -> None:
    """Write down what has ended before pruning it; reap; have the doctor look now and then."""
    seen: set[str] = set()
    with Spool(path) as spool:
        for turn in itertools.count():
            if not wanted():
                return
            # Whatever prune removes below had ended when this list was made.
            there = {job_id: state for state in ("done", "failed")
                     for job_id in tasks_in(path, state).values()}  # fmt: skip
            for job_id in there.keys() - seen:
                log.say("ended", job_id, there[job_id])
            seen = set(there)
            try:
                spool.prune(KEPT_SECONDS, failed=True)
                spool.reap()
            except StorageFull:
                log.say("refused", "-", "-")
            if turn % 10 == 9:
                words = [sys.executable, "-m", "spoolq", "doctor", "-s", path]
                ran = subprocess.run(words, capture_output=True, text=True, check=False)
                if ran.returncode not in {0, 1} or "Traceback" in ran.stderr:
                    raise RuntimeError(f"the doctor ended with {ran.returncode}: {ran.stderr}")
            time.sleep(1)
