"""Ten thousand short tasks, two workers, a SIGKILL every second: all done, none twice by a live lease.

Each command appends two lines to one file, so that their order there is the order of events; no
clock is asked. A run without its second line was cut off.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_tidy, census, names
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from support.working import Worker

    from spoolq import Spool

TASKS = 10_000
LEASE_SECONDS = 2.0
SCRIPT = (
    'echo "begins $SPOOLQ_ID $SPOOLQ_LEASE" >> "$EVENTS";'
    'echo "ends $SPOOLQ_ID $SPOOLQ_LEASE" >> "$EVENTS"'
)


def check_events(job: str, events: Iterable[tuple[str, str]], killed: set[str]) -> str:
    """Fail if two runs of a job overlapped, or it was run again though its end had counted.

    `events` are (what, lease) in order; `killed` are the process ids of killed workers, which are
    in the names of their leases. Returns the lease that did it.
    """
    begun: str | None = None
    done_by: list[str] = []
    for what, lease in events:
        if what == "begins":
            previous = begun
            assert previous is None or _pid(previous) in killed, f"{job}: {lease} beside {previous}"
            begun = lease
        else:
            assert lease == begun, f"{job}: {lease} ends although {begun} was begun after it"
            done_by.append(lease)
            if _pid(lease) not in killed:
                begun = lease
    by_the_living = [lease for lease in done_by if _pid(lease) not in killed]
    assert len(by_the_living) <= 1, f"{job} done twice by live leases: {by_the_living}"
    assert done_by, f"{job} was never done"
    return done_by[-1]


def _pid(lease: str) -> str:
    return lease.rsplit("-", 2)[1]


@pytest.mark.parametrize(
    "events",
    [
        [("begins", "h-1-A"), ("begins", "h-2-B"), ("ends", "h-2-B")],
        [("begins", "h-9-A"), ("begins", "h-2-B"), ("ends", "h-9-A"), ("ends", "h-2-B")],
        [("begins", "h-1-A"), ("ends", "h-1-A"), ("begins", "h-2-B"), ("ends", "h-2-B")],
        [("begins", "h-9-A")],
    ],
    ids=["two-alive", "outlived-its-worker", "done-twice", "never-done"],
)
def test_the_check_itself_finds_what_it_looks_for(events: list[tuple[str, str]]) -> None:
    with pytest.raises(AssertionError):
        check_events("id", events, {"9"})


def wait_for_tasks(spool: Spool, wanted: int) -> int:
    """How many tasks are done, once it is so many. Looks seldom: the workers need the machine."""
    until = time.monotonic() + 300
    while (done := census(spool.path)["done"]) < wanted:
        assert time.monotonic() < until, f"only {done} tasks done, not {wanted}"
        time.sleep(0.3)
    return done


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I5")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="commands die with a worker there")
@pytest.mark.timeout(600)
def test_ten_thousand_commands_survive_a_kill_every_second(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker], tmp_path: Path
) -> None:
    spool = make_spool(lease_seconds=LEASE_SECONDS, sweep_seconds=1.0)
    jobs = spool.publish_many([b""] * TASKS)
    events_file = tmp_path / "events"

    def start() -> Worker:
        return start_worker(spool, "-j", "2", "--output", "discard", "--", "sh", "-c", SCRIPT,
                            env={"EVENTS": str(events_file)})  # fmt: skip

    team = [start(), start()]
    killed: set[str] = set()
    done = 0
    while done < TASKS:
        time.sleep(1)
        # On a busy machine a worker takes long to begin; it is to get some work done, too.
        done = wait_for_tasks(spool, min(TASKS, done + TASKS // 60))
        oldest = team.pop(0)
        assert oldest.process.poll() is None, oldest.err
        oldest.process.kill()
        oldest.wait()
        killed.add(str(oldest.pid))
        team.append(start())

    assert census(spool.path) == {"ready": 0, "leased": 0, "delayed": 0, "done": TASKS, "failed": 0}
    of_job: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in events_file.read_text().splitlines():
        what, job, lease = line.split()
        of_job[job].append((what, lease))
    assert sorted(of_job) == jobs
    again = 0
    for job, events in of_job.items():
        did_it = check_events(job, events, killed)
        again += len(events) > 2
        end = spool.details(job)["end"]
        # The lease may have been renewed meanwhile: by the same worker.
        assert (_pid(end["lease"]), end["run"]["exit_code"]) == (_pid(did_it), 0)
    print(f"{len(killed)} kills, {again} tasks begun more than once")

    for worker in team:
        worker.close()
    eventually(lambda: spool.reap() and not names(spool.path, "leased"), what="leases swept")
    eventually(lambda: spool.reap() and not names(spool.path, "sys/tmp"), what="drafts swept")
    assert_spool_tidy(spool.path)
