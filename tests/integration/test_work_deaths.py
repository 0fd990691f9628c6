"""Workers and guards that are killed or stopped: commands die with them, jobs go to others."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import state_of
from support.spools import names
from support.waits import eventually
from support.working import TELL_PID, guard_of, is_alive, run_of

from spoolq import JobStatus, Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.working import Worker

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
STUBBORN = (
    f'trap "" TERM HUP INT; sh -c "exec sleep 1000" & {TELL_PID}; while :; do sleep 1000; done'
)


def group_of(pid: int) -> list[int]:
    """The processes of a command's session that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == pid and is_alive(int(entry.name)):
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I5")
def test_the_commands_of_a_killed_worker_die_before_their_jobs_are_given_out_again(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker]
) -> None:
    spool = make_spool(lease_seconds=2.0)
    jobs = spool.publish_many([b""] * 3)
    worker = start_worker(spool, "-j", "3", "--", "sh", "-c", STUBBORN)
    pids = [worker.pid_of(job) for job in jobs]
    assert all(len(group_of(pid)) >= 2 for pid in pids)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    eventually(lambda: not any(map(group_of, pids)), 30, "whole groups are killed with the worker")
    again = []
    while len(again) < 3:
        again += spool.get_jobs(3, timeout=30)
    assert sorted((job.id, job.attempt) for job in again) == [(job, 2) for job in jobs]
    for job in again:
        job.done()


@pytest.mark.guarantee("I5")
def test_a_worker_stopped_past_its_lease_changes_nothing_when_it_goes_on(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker]
) -> None:
    spool = make_spool(lease_seconds=2.0)
    job = spool.publish(b"")
    # It would end well the moment the worker goes on.
    worker = start_worker(spool, "--", "sh", "-c", f"{TELL_PID}; exec sleep 1000")
    pid = worker.pid_of(job)
    os.kill(worker.pid, signal.SIGSTOP)
    eventually(lambda: state_of(worker.pid) == "T")
    eventually(lambda: not is_alive(pid), 30, "the guard stops the command when the lease ends")
    (taken,) = spool.get_jobs(1, timeout=30)
    assert (taken.id, taken.attempt) == (job, 2)
    with taken.keep_alive():
        os.kill(worker.pid, signal.SIGCONT)
        eventually(lambda: "; lost" in worker.err, 30, f"it learns: {worker.err!r}")
        assert spool.get(job).status is JobStatus.PROCESSING
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        taken.done(run={"by": "the second"})
    assert run_of(spool, job) == {"by": "the second"}


@pytest.mark.guarantee("I5")
def test_worker_guard_and_command_stopped_together_change_nothing_either(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker]
) -> None:
    spool = make_spool(lease_seconds=2.0)
    job = spool.publish(b"")
    script = f'{TELL_PID}; until [ -e "$TOLD/go" ]; do sleep 0.02; done'
    worker = start_worker(spool, "--", "sh", "-c", script)
    pid = worker.pid_of(job)
    frozen = [worker.pid, guard_of(worker), pid]
    for each in frozen:
        os.kill(each, signal.SIGSTOP)
    eventually(lambda: all(state_of(each) == "T" for each in frozen))
    (taken,) = spool.get_jobs(1, timeout=30)
    (worker.told / "go").touch()  # its end will be a good one, and too late
    with taken.keep_alive():
        for each in reversed(frozen):
            os.kill(each, signal.SIGCONT)
        eventually(lambda: "; lost" in worker.err, 30, "it learns")
        assert spool.get(job).status is JobStatus.PROCESSING
        assert spool.get(job).attempt == 2
        taken.done()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert names(spool.path, "leased") == []


def test_when_the_guard_is_killed_its_commands_die_and_their_jobs_run_again(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    script = f'if [ -e "$TOLD/$SPOOLQ_ID" ]; then exit 0; fi; {STUBBORN}'
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", script)
    pid = worker.pid_of(job)
    os.kill(guard_of(worker), signal.SIGKILL)
    assert worker.wait() == 0
    assert not group_of(pid)
    info = spool.get(job)
    assert (info.status, info.attempt) == (JobStatus.DONE, 1)
    (event,) = spool.history(job)
    assert (event["event"], "guard" in event["reason"]) == ("released", True)


def test_a_worker_that_uses_too_much_memory_begins_anew_and_goes_on(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    jobs = spool.publish_many([b""] * 3 + [b"bad"])
    # No worker is that small: it begins anew after every job.
    script = 'echo "$SPOOLQ_LEASE" >> "$TOLD/leases"; [ "$(cat)" != bad ]'
    worker = start_worker(
        spool, "--max-rss", "1M", "--max-jobs", "4", "--idle-exit", "60s", "--", "sh", "-c", script
    )
    assert worker.wait() == 6
    assert [spool.get(job).status.name for job in jobs] == ["DONE"] * 3 + ["FAILED"]
    pids = {line.rsplit("-", 2)[1] for line in (worker.told / "leases").read_text().split()}
    assert pids == {str(worker.pid)}
    assert names(spool.path, "sys/workers") == []
