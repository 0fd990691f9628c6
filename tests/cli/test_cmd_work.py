"""`spoolq work`: what commands are given, what becomes of their jobs, and how the worker ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spoolq import JobStatus, Spool
from spoolq.rules.commands import CommandTask, dump_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.command_line import Ran


def log_of(spool: Spool, job_id: str, stream: str = "out", attempt: int = 1) -> bytes:
    (path,) = Path(spool.path, "logs").glob(f"{job_id}.{attempt}.*.{stream}")
    return path.read_bytes()


def test_a_command_runs_for_each_task_and_gets_it_on_standard_input(
    process: Callable[..., Ran], spool: Spool
) -> None:
    ids = [spool.publish(task) for task in (b"one", b"two\n", b"\0\xff")]
    process("work", "--until-empty", "--", "cat").good()
    assert [spool.get(job_id).status for job_id in ids] == [JobStatus.DONE] * 3
    assert [log_of(spool, job_id) for job_id in ids] == [b"one", b"two\n", b"\0\xff"]


def test_braces_become_a_private_copy_and_the_id(process: Callable[..., Ran], spool: Spool) -> None:
    job_id = spool.publish(b"payload")
    script = 'cat "$1"; stat -c %a "$1" >&2; echo "$2" >&2; rm "$1"'
    process("work", "--until-empty", "--", "sh", "-c", script, "sh", "{}", "id={id}").good()
    assert log_of(spool, job_id) == b"payload"
    assert log_of(spool, job_id, "err") == f"600\nid={job_id}\n".encode()


def test_the_environment_tells_about_the_job(process: Callable[..., Ran], spool: Spool) -> None:
    job_id = spool.publish(b"", priority=3, headers={"user name": "J. Doe", "x": "a\nb"})
    script = "import os, json; print(json.dumps({k: v for k, v in os.environ.items()}))"
    process("work", "--until-empty", "--", "python3", "-c", script).good()
    told = json.loads(log_of(spool, job_id))
    lease = spool.details(job_id)["end"]["lease"]
    assert {name: told.get(name) for name in told if name.startswith("SPOOLQ_")} == {
        "SPOOLQ_DIR": spool.path,
        "SPOOLQ_ID": job_id,
        "SPOOLQ_ATTEMPT": "1",
        "SPOOLQ_RESCHEDULES": "0",
        "SPOOLQ_LEASE": lease,
        "SPOOLQ_PRIORITY": "3",
        "SPOOLQ_HEADER_USER_NAME": "J. Doe",
        "SPOOLQ_HEADER_X": "a\nb",
        "SPOOLQ_RUN": told["SPOOLQ_RUN"],
    }


def test_a_failing_command_fails_its_job_and_the_run_says_6(
    process: Callable[..., Ran], spool: Spool
) -> None:
    job_id = spool.publish(b"")
    ended = process("work", "--until-empty", "--", "sh", "-c", "exit 3")
    assert ended.bad(6) == f"spoolq: job {job_id}, attempt 1: exit status 3; failed\n"
    assert spool.get(job_id).status is JobStatus.FAILED
    run = spool.details(job_id)["end"]["run"]
    assert (run["exit_code"], run["signal"], run["timed_out"]) == (3, None, False)


def test_retries_are_made_and_counted(process: Callable[..., Ran], make_spool: Callable) -> None:
    spool = make_spool("quick", retry_delay_seconds=0.01)
    job_id = spool.publish(b"")
    script = 'test "$SPOOLQ_ATTEMPT" = 3'
    ended = process("work", "-s", spool.path, "--retries", "5", "--until-empty", "--",
                    "sh", "-c", script)  # fmt: skip
    assert ended.status == 0
    assert ended.err.count("to be retried") == 2
    assert spool.get(job_id).reschedules == 2


def test_a_temporary_failure_does_not_count(
    process: Callable[..., Ran], make_spool: Callable, tmp_path: Path
) -> None:
    spool = make_spool("quick", retry_delay_seconds=0.01)
    job_id = spool.publish(b"")
    script = f"test -e {tmp_path}/flag || {{ touch {tmp_path}/flag; exit 75; }}"
    process("work", "-s", spool.path, "--until-empty", "--", "sh", "-c", script).good()
    info = spool.get(job_id)
    assert (info.status, info.reschedules) == (JobStatus.DONE, 0)


def test_commands_from_the_spool_are_run(
    process: Callable[..., Ran], spool: Spool, tmp_path: Path
) -> None:
    task = CommandTask(["sh", "-c", 'pwd; echo "$A"; cat; echo {} {id}'], str(tmp_path), {"A": "b"})
    job_id = spool.publish(dump_command(task))
    slow = spool.publish(dump_command(CommandTask(["sleep", "1000"], timeout_seconds=0.1)))
    nonsense = spool.publish(b"rm -rf /")
    ended = process("work", "--commands", "--until-empty", "-j", "2")
    assert ended.status == 6
    assert log_of(spool, job_id) == f"{tmp_path}\nb\n{{}} {{id}}\n".encode()
    assert spool.details(slow)["end"]["run"]["timed_out"] is True
    assert spool.get(nonsense).reason == "not a command task: it is not JSON"


def test_output_may_be_inherited_or_thrown_away(process: Callable[..., Ran], spool: Spool) -> None:
    spool.publish_many([b"a", b"b"])
    ended = process("work", "--max-jobs", "1", "--output", "inherit", "--", "cat").good()
    assert ended.out == "a"
    ended = process("work", "--max-jobs", "1", "--output", "discard", "--", "cat").good()
    assert (ended.out, ended.err) == ("", "")
    assert list(Path(spool.path, "logs").iterdir()) == []


def test_max_jobs_is_kept(process: Callable[..., Ran], spool: Spool) -> None:
    spool.publish_many([b""] * 5)
    process("work", "-j", "2", "--max-jobs", "3", "--", "true").good()
    stats = spool.stats()
    assert (stats.ready, stats.leased, stats.done) == (2, 0, 3)


def test_an_idle_worker_leaves(process: Callable[..., Ran], spool: Spool) -> None:
    job_id = spool.publish(b"")
    process("work", "--idle-exit", "0.1s", "--", "true").good()
    assert spool.get(job_id).status is JobStatus.DONE


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "give either a COMMAND"),
        (["--commands", "--", "true"], "give either a COMMAND"),
        (["-j", "0", "--", "true"], "from 1 to 10000"),
        (["--timeout", "soon", "--", "true"], "no duration"),
        (["--retry-on", "0", "--", "true"], "--retry-on"),
        (["--", ""], "COMMAND '' is empty"),
        (["--", "no-such-program"], "is not there, or cannot be executed"),
    ],
)
def test_nonsense_is_refused_before_a_job_is_taken(
    cli: Callable[..., Ran], spool: Spool, words: list[str], why: str
) -> None:
    job_id = spool.publish(b"")
    assert why in cli("work", *words).bad(2)
    assert (spool.get(job_id).status, spool.history(job_id)) == (JobStatus.READY, [])


def test_a_host_that_loses_the_program_does_not_fail_the_jobs(
    process: Callable[..., Ran], spool: Spool, tmp_path: Path
) -> None:
    jobs = spool.publish_many([b""] * 3)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nrm {program}\n")
    program.chmod(0o700)
    ended = process("work", "--until-empty", "--", str(program))
    assert "cannot be started here" in ended.bad(1)
    statuses = [spool.get(job).status for job in jobs]
    assert statuses == [JobStatus.DONE, JobStatus.READY, JobStatus.READY]
    assert [spool.get(job).reschedules for job in jobs] == [0, 0, 0]


def test_copies_that_a_killed_worker_left_are_removed_by_the_next(
    process: Callable[..., Ran], spool: Spool, tmp_path: Path
) -> None:
    left = tmp_path / "spoolq-copies-of-the-dead"
    left.mkdir(mode=0o700)
    (left / "payload").touch()
    foreign = tmp_path / "spoolq-copies-of-others"
    foreign.mkdir(mode=0o755)
    spool.publish(b"")
    env = {"TMPDIR": str(tmp_path)}
    process("work", "--until-empty", "--", "test", "-e", "{}", env=env).good()
    assert not left.exists()
    assert list(tmp_path.glob("spoolq-*")) == [foreign]


def test_many_tasks_that_are_no_commands_are_told_apart_quickly(
    process: Callable[..., Ran], spool: Spool
) -> None:
    spool.publish_many([b"no command"] * 100)
    last = spool.publish(dump_command(CommandTask(["true"])), priority=9)
    wrong = spool.publish(dump_command(CommandTask(["no-such-program"])), priority=9)
    assert process("work", "--commands", "--until-empty").status == 6
    assert spool.stats().failed == 101
    assert spool.get(last).status is JobStatus.DONE
    assert "could not be started" in str(spool.get(wrong).reason)
