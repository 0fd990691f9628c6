"""Many processes on one spool, one of them killed every tenth of a second. Not a test.

`python -m support.chaos SPOOL LOGS TASKS PROCESSES SECONDS`: forks publishers and consumers, kills
and replaces them until all tasks are done. Everybody writes what it does to a log of its own,
whole lines at once, so that a kill loses none: `verb moment key-or-id [facts]`.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq import LeaseLost, Spool
from support.workers import forked

if TYPE_CHECKING:
    from spoolq import Job

PUBLISHERS = 2
KILL_EVERY_SECONDS = 0.1
LEAST_KILLS = 120


class Kills:
    """How many were killed by now, as every forked child can read it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def count(self) -> int:
        """So many."""
        return int(struct.unpack("q", self._memory[:])[0])

    def one_more(self) -> None:
        """Another."""
        self._memory[:] = struct.pack("q", self.count + 1)


class Log:
    """An append-only file of one process."""

    def __init__(self, directory: str, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(f"{directory}/{name}", flags, 0o600)

    def say(self, verb: str, what: str, *facts: object) -> None:
        """One line, with the moment it was said."""
        line = " ".join([verb, repr(time.time()), what, *map(str, facts)])
        os.write(self._file, f"{line}\n".encode())


def publish(path: str, logs: str, part: int, count: int, kills: Kills) -> None:
    """Publish this part's tasks, going on where the killed predecessor's log ends.

    No faster than the killing goes on, so that a fast machine is not done before it has begun.
    """
    place = Path(logs) / f"published-{part}"
    start = len(place.read_text().splitlines()) if place.exists() else 0
    log = Log(logs, place.name)
    with Spool(path, publish_only=True) as spool:
        for number in range(start, count):
            name = f"{part}-{number}"
            while kills.count * count < number * LEAST_KILLS:
                time.sleep(0.01)
            log.say("published", name, spool.publish(name.encode(), key=name))
        signal.pause()


def consume(path: str, logs: str, generation: int) -> None:
    """Take jobs and mostly do them; sometimes release, fail or extend them."""
    log = Log(logs, f"consumer-{generation}")
    chance = random.Random(generation)
    with Spool(path) as spool:
        while True:
            job = spool.get_job()
            log.say("took", job.id, job.lease, job.attempt, job.deadline.timestamp())
            try:
                end(job, chance.random(), log)
            except LeaseLost:
                log.say("lost", job.id, job.lease)


def end(job: Job, draw: float, log: Log) -> None:
    """One way to go on with a job; giving it back is said before, for then it is not ours."""
    if draw < 0.03:
        log.say("gave-back", job.id, job.lease)
        job.release()
    elif draw < 0.06:
        log.say("gave-back", job.id, job.lease)
        job.fail("chaos", delay=0)
    else:
        if draw < 0.10:
            job.extend()
            log.say("took", job.id, job.lease, job.attempt, job.deadline.timestamp())
        job.done()
        log.say("did", job.id, job.lease)


def main(path: str, logs: str, tasks: int, processes: int, seconds: float) -> dict[str, object]:
    """Run it all; tell how many were killed and how long it took."""
    start, kills, generation = time.monotonic(), Kills(), 0
    chance = random.Random(0)
    roles: dict[int, int] = {}

    def spawn(role: int) -> None:
        nonlocal generation
        generation += 1
        if role < PUBLISHERS:
            roles[forked(lambda: publish(path, logs, role, tasks // PUBLISHERS, kills))] = role
        else:
            roles[forked(lambda: consume(path, logs, generation))] = role

    for role in range(processes):
        spawn(role)
    spool = Spool(path)
    next_look = time.monotonic() + 1
    while time.monotonic() < start + seconds:
        time.sleep(KILL_EVERY_SECONDS)
        victim = chance.choice(list(roles))
        os.kill(victim, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])
        if status != -signal.SIGKILL:
            raise RuntimeError(f"a worker had ended by itself: {status}")
        kills.one_more()
        spawn(roles.pop(victim))
        if time.monotonic() > next_look:
            if spool.stats().done >= tasks:
                break
            next_look = time.monotonic() + 0.5
    for pid in roles:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {"kills": kills.count, "seconds": time.monotonic() - start}


if __name__ == "__main__":
    print(
        json.dumps(
            main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
        )
    )
