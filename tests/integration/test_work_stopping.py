"""Stopping workers: signals, lost terminals, stop files, cancelled jobs. Nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command_line import command
from support.processes import environment
from support.spools import assert_spool_tidy, names
from support.waits import eventually
from support.working import TELL_PID, is_alive, run_of

from spoolq import JobStatus, Spool
from spoolq.looking.crew import workers
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.working import Worker

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
SLEEP = f"{TELL_PID}; exec sleep 1000"
# Ends well when the test makes a file named after it.
UNTIL_TOLD = f'{TELL_PID}; until [ -e "$TOLD/go" ]; do sleep 0.02; done'


def heartbeat(spool: Spool) -> dict[str, object]:
    """The newest record of the only worker there is."""

    def newest() -> dict[str, object] | None:
        # RACE: the next record is there before the one read here goes.
        paths = Path(spool.path, "sys/workers").glob("*-*.*")
        path = max(paths, key=lambda path: int(path.suffix[1:]), default=None)
        try:
            return json.loads(path.read_text()) if path else None
        except FileNotFoundError:
            return None

    return eventually(newest)


def test_the_first_signal_lets_commands_finish_and_takes_no_more(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    first, second = spool.publish_many([b""] * 2)
    worker = start_worker(spool, "--", "sh", "-c", UNTIL_TOLD)
    worker.pid_of(first)
    worker.signal(signal.SIGTERM)
    eventually(lambda: heartbeat(spool)["draining"], what="draining is told")
    (worker.told / "go").touch()
    assert worker.wait() == 0
    assert [spool.get(job).status for job in (first, second)] == [JobStatus.DONE, JobStatus.READY]
    assert list(Path(spool.path, "sys/workers").iterdir()) == []
    assert worker.err == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_gives_the_jobs_back_at_once(
    spool: Spool, start_worker: Callable[..., Worker], number: int
) -> None:
    jobs = spool.publish_many([b""] * 2)
    worker = start_worker(spool, "-j", "2", "--", "sh", "-c", SLEEP)
    pids = [worker.pid_of(job) for job in jobs]
    worker.signal(number)
    eventually(lambda: heartbeat(spool)["draining"], what="draining is told")
    worker.signal(number)
    assert worker.wait() == 0
    for job in jobs:
        info = spool.get(job)
        assert (info.status, info.reschedules) == (JobStatus.READY, 0)
        (event,) = spool.history(job)
        assert "stopped by a signal" in event["reason"]
    assert not any(map(is_alive, pids))
    for job in spool.get_jobs(2, timeout=0):
        job.done()
    assert spool.stats().done == 2


def test_the_third_signal_does_not_wait_for_the_grace_period(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    stubborn = f'trap "" TERM; {TELL_PID}; while :; do sleep 1000; done'
    worker = start_worker(spool, "--grace", "1000s", "--", "sh", "-c", stubborn)
    pid = worker.pid_of(job)
    for _ in range(3):  # the same signal twice at once may come as one
        worker.signal(signal.SIGTERM)
        eventually(lambda: not _is_pending(worker.pid, signal.SIGTERM))
    assert worker.wait() == 0
    assert not is_alive(pid)
    assert spool.get(job).status is JobStatus.READY


def _is_pending(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_hup_drains_however_often_it_comes(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    worker = start_worker(spool, "--", "sh", "-c", UNTIL_TOLD)
    worker.pid_of(job)
    for _ in range(3):
        worker.signal(signal.SIGHUP)
        eventually(lambda: not _is_pending(worker.pid, signal.SIGHUP))
    eventually(lambda: heartbeat(spool)["draining"], what="draining is told")
    (worker.told / "go").touch()
    assert worker.wait() == 0
    assert spool.get(job).status is JobStatus.DONE


def test_under_nohup_a_hang_up_means_nothing(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    ignoring = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    worker = start_worker(spool, "--", "sh", "-c", TELL_PID, preexec_fn=ignoring)
    worker.pid_of(job)
    worker.signal(signal.SIGHUP)
    later = spool.publish(b"")
    worker.pid_of(later)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_idle_worker_stops_at_once(
    spool: Spool, start_worker: Callable[..., Worker], number: int
) -> None:
    worker = start_worker(spool, "--", "true")
    heartbeat(spool)
    worker.signal(number)
    assert worker.wait() == 0
    assert_spool_tidy(spool.path)


def stop(spool: Spool, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("stop", "-s", spool.path, *words),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_drains_or_stops_workers_from_anywhere(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    worker = start_worker(spool, "--", "sh", "-c", SLEEP)
    pid = worker.pid_of(job)
    (seen,) = workers(internals(spool))
    assert (seen.pid, seen.host, seen.slots) == (worker.pid, os.uname().nodename, 1)
    assert [job.id for job in seen.running] in ([], [job])
    assert stop(spool, "--host", "elsewhere").returncode == 3
    asked = stop(spool, "--worker", seen.name)
    assert (asked.returncode, asked.stdout) == (0, f"{seen.name}\n")
    eventually(lambda: heartbeat(spool)["draining"], what="it drains")
    assert is_alive(pid)
    assert stop(spool, "--host", seen.host, "--now").returncode == 0
    assert worker.wait() == 0
    assert not is_alive(pid)
    assert spool.get(job).status is JobStatus.READY
    assert list(Path(spool.path, "sys/workers").iterdir()) == []


def test_a_cancelled_job_s_command_is_stopped(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    worker = start_worker(spool, "--", "sh", "-c", SLEEP)
    pid = worker.pid_of(job)
    spool.cancel(job)
    eventually(lambda: not is_alive(pid), 60, "the command is stopped, long before the lease ends")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert spool.get(job).outcome == "cancelled"


def test_a_job_that_outlives_many_leases_is_renewed(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker]
) -> None:
    spool = make_spool(lease_seconds=5.0)
    job = spool.publish(b"")
    rival = Spool(spool.path)
    worker = start_worker(spool, "--", "sh", "-c", UNTIL_TOLD)
    worker.pid_of(job)
    leases: set[str] = set()

    def renewed_often() -> bool:
        leases.update(name for name in names(spool.path, "leased") if name.startswith(job))
        assert rival.get_jobs(1, timeout=0) == []
        return len(leases) > 4

    eventually(renewed_often, 60, "four renewals, a third of a lease apart")
    (worker.told / "go").touch()
    eventually(lambda: spool.get(job).status is JobStatus.DONE)
    assert run_of(spool, job)["exit_code"] == 0
    assert spool.get(job).attempt == 1
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    rival.close()
