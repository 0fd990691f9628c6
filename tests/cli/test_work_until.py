"""`spoolq work`: ends known beforehand, and signals that are sent to the worker and all it runs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.waits import eventually

from spoolq import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

SLEEP = ("--", "sleep", "600")


@pytest.fixture(autouse=True)
def _not_in_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)


def assert_given_back(spool: Spool, job_id: str) -> None:
    """The job waits, and its attempt was not counted."""
    job = spool.get(job_id)
    assert (job.status, job.reschedules) == (JobStatus.READY, 0)


def squeue(place: Path, script: str) -> dict[str, str]:
    """The environment of a Slurm job whose squeue is a script."""
    (place / "squeue").write_text(f"#!/bin/sh\n{script}\n")
    (place / "squeue").chmod(0o755)
    return {"PATH": f"{place}:{os.environ['PATH']}", "SLURM_JOB_ID": "77"}


@pytest.mark.parametrize("how", ["walltime", "until", "slurm", "newer slurm"])
def test_what_runs_is_given_back_before_the_end(
    spool: Spool, start: Callable, tmp_path: Path, how: str
) -> None:
    job_id = spool.publish(b"")
    words, env = ("--grace", "100ms"), {}
    if how == "walltime":
        words = (*words, "--walltime", "5s")
    elif how == "until":
        words = (*words, "--until", subprocess.check_output(
            ["date", "-Ins", "-d", "5 seconds"], text=True).strip().replace(",", "."))  # fmt: skip
    elif how == "slurm":
        env = squeue(tmp_path, 'echo "76 1:00:00"; echo "77 0:05"; echo "$@" > "$0.asked"')
    else:
        end = subprocess.check_output(["date", "+%s", "-d", "5 seconds"], text=True)
        env = squeue(tmp_path, "exit 1") | {"SLURM_JOB_END_TIME": end.strip()}
    worker = start("work", *words, *SLEEP, **env)
    assert worker.wait(60) == 0
    assert_given_back(spool, job_id)
    if how == "slurm":
        assert "--jobs=77" in (tmp_path / "squeue.asked").read_text()


def test_a_slurm_that_does_not_answer_is_told_and_work_is_done(
    spool: Spool, start: Callable, tmp_path: Path
) -> None:
    job_id = spool.publish(b"")
    env = squeue(tmp_path, "echo slurm is down >&2; exit 1")
    worker = start("work", "--until-empty", "--", "true", **env)
    _, told = worker.communicate(timeout=60)
    assert b"give --walltime" in told
    assert b"slurm is down" in told
    assert spool.get(job_id).status is JobStatus.DONE


def test_nothing_is_begun_that_cannot_finish(spool: Spool, start: Callable) -> None:
    job_id = spool.publish(b"")
    worker = start("work", "--walltime", "1h", "--min-time", "2h", *SLEEP)
    assert worker.wait(60) == 0
    assert_given_back(spool, job_id)
    worker = start("work", "--walltime", "1h", "--min-time", "30m", "--until-empty", "--", "true")
    assert worker.wait(60) == 0
    assert spool.get(job_id).status is JobStatus.DONE


def test_a_worker_that_begins_anew_keeps_its_end(spool: Spool, start: Callable) -> None:
    count = 200
    spool.publish_many([b""] * count)
    words = ("--walltime", "5s", "--grace", "0", "--max-rss", "1", "--until-empty")
    worker = start("work", *words, "--", "sleep", "0.1")
    assert worker.wait(100) == 0
    stats = spool.stats()
    assert stats.done + stats.ready == count
    assert stats.ready > 0


def begun(spool: Spool, worker: subprocess.Popen[bytes]) -> int:
    """The process id of the one command that runs; it has said that it does."""
    (log,) = eventually(lambda: list(Path(spool.path, "logs").glob("*.out")), 60)
    assert worker.poll() is None
    return int(eventually(log.read_text, 60))


STUBBORN = ("--", "sh", "-c", "trap : TERM; echo $$; while :; do sleep 0.1; done")
READY_TO_DIE = ("--", "sh", "-c", "echo $$; exec sleep 600")


def test_draining_has_a_limit_if_asked_to(spool: Spool, start: Callable) -> None:
    job_id = spool.publish(b"")
    worker = start("work", "--drain", "500ms", "--grace", "100ms", *STUBBORN)
    begun(spool, worker)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert_given_back(spool, job_id)


def test_a_signal_shortly_before_the_end_leaves_commands_the_time_until_then(
    spool: Spool, start: Callable
) -> None:
    spool.publish(b"")
    words = ("--walltime", "100s", "--drain", "0")
    worker = start("work", *words, "--", "sh", "-c", "echo $$; while [ ! -e $0 ]; do sleep 0.1; done",
                     f"{spool.path}/go")  # fmt: skip
    begun(spool, worker)
    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1)
    Path(spool.path, "go").touch()
    assert worker.wait(60) == 0
    assert [job.status for job in spool.list()] == [JobStatus.DONE]


def test_a_signal_to_all_processes_at_once_fails_no_job(spool: Spool, start: Callable) -> None:
    job_id = spool.publish(b"")
    worker = start("work", *READY_TO_DIE)
    command_pid = begun(spool, worker)
    worker.send_signal(signal.SIGTERM)
    os.kill(command_pid, signal.SIGTERM)
    assert worker.wait(60) == 0
    assert_given_back(spool, job_id)


def test_a_command_that_alone_dies_of_a_signal_has_failed(spool: Spool, start: Callable) -> None:
    job_id = spool.publish(b"")
    worker = start("work", *READY_TO_DIE)
    os.kill(begun(spool, worker), signal.SIGTERM)
    eventually(lambda: spool.get(job_id).status is JobStatus.FAILED)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--until", "soon"), "--until: 'soon' is no time; write 18:30"),
        (("--min-time", "1h"), "--min-time needs an end"),
        (("--walltime", "1h", "--until", "18:00"), "not allowed with argument --walltime"),
    ],
)
def test_wrong_usage_runs_nothing(
    cli: Callable[..., Any], spool: Spool, words: tuple[str, ...], why: str
) -> None:
    job_id = spool.publish(b"")
    assert why in cli("work", *words, "--", "true").bad(2)
    assert_given_back(spool, job_id)
