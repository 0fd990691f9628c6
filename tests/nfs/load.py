"""What runs in the guests: publishers and consumers that say what they do, a line for each event.

`python -m nfs.load ROLE SPOOL NUMBER key=value...`; lines are `TICKS VERB WORDS...` on standard
output, which is a socket: each leaves the guest before the next step is done. nfs.history reads them.
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import TYPE_CHECKING, Any

from nfs.tsc import ticks
from spoolq import Empty, LeaseLost, Spool, StorageError, StorageFull

if TYPE_CHECKING:
    from spoolq import Job

STOP = "/run/stop"
"""A file of the guest's own; when it is there, consumers end."""


def say(verb: str, *words: object) -> None:
    """One event, at once."""
    os.write(1, " ".join([str(ticks()), verb, *map(str, words)]).encode() + b"\n")


def publish(path: str, number: int, wanted: dict[str, Any]) -> None:
    """Publish `count` tasks of `size` bytes; cancel some of them; wait while the disk is full."""
    chance = random.Random(number)
    body = b"x" * int(wanted.get("size", 20))
    with Spool(path, publish_only=True) as spool:
        for index in range(int(wanted["count"])):
            draw = chance.random()
            key = f"{number}-{index}" if draw < 0.1 else None
            job_id = _published(spool, body, key)
            say("published", job_id)
            if draw > 1.0 - float(wanted.get("cancel", 0.1)):
                say("cancelling", job_id)
                _cancel(spool, job_id)
            time.sleep(float(wanted.get("pause", 0.0)) * chance.random() * 2)
    say("finished")


def _cancel(spool: Spool, job_id: str) -> None:
    try:
        info = spool.cancel(job_id)
    except StorageError as error:  # cancelled or not: it may be either
        say("refused", "cancel", error.errno)
    else:
        say("cancelled", job_id, info.outcome, info.attempt)


def _published(spool: Spool, body: bytes, key: str | None) -> str:
    while True:
        try:
            return spool.publish(body, key=key)
        except StorageFull:
            say("full", "publish")
            time.sleep(0.5)
        except StorageError as error:  # nobody was told of an id: published once more
            say("refused", "publish", error.errno)
            time.sleep(0.5)


def consume(path: str, number: int, wanted: dict[str, Any]) -> None:
    """Take jobs until told to stop; mostly do them, and some of everything else."""
    chance = random.Random(number)
    with Spool(path) as spool:
        say("opened")
        while not os.path.exists(STOP):
            try:
                job = spool.get_job(0.5)
            except Empty:
                continue
            except StorageFull:
                say("full", "claim")
                time.sleep(0.2)
                continue
            except StorageError as error:
                say("refused", "claim", error.errno)
                time.sleep(0.5)
                continue
            _held("took", job, job.attempt)
            try:
                _go_on(spool, job, chance, wanted)
            except LeaseLost:
                say("lost", job.id, job.lease)
            except StorageError as error:
                say("error", job.id, job.lease, error.errno)
    say("finished")


def _held(verb: str, job: Job, *words: object) -> None:
    """Say that we hold a job, under which lease, and how long we may go on believing it."""
    left = (job.trusted_until or 0.0) - time.clock_gettime(time.CLOCK_BOOTTIME)
    say(verb, job.id, job.lease, f"{left:.4f}", f"{job.lease_seconds:.4f}", *words)


def _go_on(spool: Spool, job: Job, chance: random.Random, wanted: dict[str, Any]) -> None:
    draw = chance.random()
    time.sleep(float(wanted.get("hold", 0.0)) * chance.random())
    if draw < float(wanted.get("overstay", 0.01)):
        time.sleep(job.lease_seconds * 1.2)  # somebody else has it by now, or will not
    elif draw < 0.05:
        job.extend()
        _held("renewed", job)
    elif draw < 0.07:
        _end(job, "released", job.release)
        return
    elif draw < 0.09:
        _end(job, "failed", lambda: job.fail("a try", delay=0))
        return
    _end(job, "done", job.done)
    if wanted.get("prune") and chance.random() < 0.2:
        spool.prune(older_than_seconds=0)


def _end(job: Job, how: str, end: Any) -> None:
    lease = job.lease
    say("ending", job.id, lease, how)
    end()
    say("ended", job.id, lease, how)


def hold(path: str, number: int, wanted: dict[str, Any]) -> None:
    """Take `count` jobs, keep them for `seconds`, then try to end them: late, if it was cut off."""
    del number
    with Spool(path) as spool:
        jobs = []
        while len(jobs) < int(wanted["count"]):
            try:
                job = spool.get_job(None)
            except StorageError as error:
                say("refused", "claim", error.errno)
                continue
            _held("took", job, job.attempt)
            jobs.append(job)
        say("holding")
        time.sleep(float(wanted["seconds"]))
        for job in jobs:
            try:
                _end(job, "done", job.done)
            except LeaseLost:
                say("lost", job.id, job.lease)
            except StorageError as error:
                say("error", job.id, job.lease, error.errno)
    say("finished")


ROLES = {"publish": publish, "consume": consume, "hold": hold}


def main(role: str, path: str, number: str, *pairs: str) -> None:
    """Play a role, as the user asked for."""
    wanted = dict(pair.split("=", 1) for pair in pairs)
    if "uid" in wanted:
        os.setgroups([int(wanted["gid"])])
        os.setgid(int(wanted["gid"]))
        os.setuid(int(wanted["uid"]))
    ROLES[role](path, int(number), wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
