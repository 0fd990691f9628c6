"""`spoolq logs`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import wait_until_blocked
from support.runs import Run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from spoolq import Spool


def read(process: subprocess.Popen[bytes], wanted: bytes) -> None:
    """Read what it prints until that has come; nothing else may."""
    assert process.stdout is not None
    assert process.stdout.read(len(wanted)) == wanted


def test_each_stream_goes_where_the_command_sent_it(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    Run(spool).write(b"one\n").write(b"oops\n", "err").write(b"two\n").end()
    ran = cli("logs", job_id).good()
    assert (ran.out, ran.err) == ("one\ntwo\n", "oops\n")
    ran = cli("logs", "--stderr", job_id).good()
    assert (ran.out, ran.err) == ("oops\n", "")
    ran = cli("logs", "--stdout", job_id).good()
    assert (ran.out, ran.err) == ("one\ntwo\n", "")


def test_large_and_binary_output_comes_byte_for_byte(process: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    run = Run(spool)
    run.write(os.urandom(3_000_000)).end()
    stored = (Path(spool.path) / "logs" / run.name()).read_bytes()
    assert os.fsencode(process("logs", job_id).good().out) == stored


def test_the_last_run_is_shown_and_others_on_demand(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    for number in (1, 2, 3):
        Run(spool).write(b"run %d\n" % number).end(1 if number < 3 else 0, retry=True)
    assert cli("logs", job_id).good().out == "run 3\n"
    assert cli("logs", "--attempt", "2", job_id).good().out == "run 2\n"
    every = cli("logs", "--all", job_id).good()
    assert every.out == "run 1\nrun 2\nrun 3\n"
    assert [line.rpartition(" ")[2] for line in every.err.splitlines()] == ["2", "3"]
    assert "attempt 4" in cli("logs", "--attempt", "4", job_id).bad(3)


def test_after_a_retry_the_new_run_is_the_last_though_attempts_start_over(
    cli: Callable, spool: Spool
) -> None:
    job_id = spool.publish(b"", max_attempts=2)
    for text in (b"old 1\n", b"old 2\n"):
        run = Run(spool).write(text)
        run.end(1, retry=True)
        os.utime(Path(spool.path) / "logs" / run.name(), (1000, 1000))  # not of the same tick
    spool.retry(job_id)
    Run(spool).write(b"new\n")
    assert cli("logs", job_id).good().out == "new\n"


def test_no_log_is_3_and_said_why(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    assert "has not run yet (the job is ready)" in cli("logs", job_id).bad(3)
    Run(spool).end()
    assert "it wrote nothing" in cli("logs", job_id).bad(3)
    assert "(the job is done)" in cli("logs", "--json", job_id).bad(3)
    for unknown in ("5-20261124T020658917264-HVUYXHQQ", "../spool.json"):
        assert cli("logs", unknown).bad(5) == f"spoolq: unknown job '{unknown}'\n"


def test_what_others_put_in_the_way_is_no_log(cli: Callable, spool: Spool, tmp_path: Path) -> None:
    job_id = spool.publish(b"")
    run = Run(spool)
    (tmp_path / "secret").write_text("secret\n")
    logs = Path(spool.path) / "logs"
    (logs / run.name("out")).symlink_to(tmp_path / "secret")
    os.link(tmp_path / "secret", logs / run.name("err"))
    for _ in range(2):
        for words in ((job_id,), ("--json", job_id)):
            ran = cli("logs", *words)
            assert f"job {job_id} has no log" in ran.bad(3)
            assert ran.out == ""
        (logs / run.name("out")).unlink()
        os.mkfifo(logs / run.name("out"))


def test_json_tells_which_logs_there_are(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    Run(spool).write(b"one").write(b"uno", "err").end(1, retry=True)
    Run(spool).write(b"three").end()
    told = cli("logs", "--json", job_id).good().objects
    assert [(log["attempt"], log["stream"], log["size"]) for log in told] == [
        (1, "out", 3),
        (1, "err", 3),
        (2, "out", 5),
    ]
    assert Path(told[2]["path"]).read_bytes() == b"three"
    assert len(cli("logs", "--json", "--attempt", "1", "--stderr", job_id).good().objects) == 1


def test_following_begins_before_the_job_does_and_ends_with_it(
    spool: Spool, start: Callable
) -> None:
    job_id = spool.publish(b"")
    process = start("logs", "-f", job_id)
    wait_until_blocked(process.pid)
    run = Run(spool)
    for part in (b"one\n", b"t", b"wo\n"):
        run.write(part)
        read(process, part)
    assert process.poll() is None
    run.write(b"end\n", "err").end(1, retry=True)
    again = Run(spool).write(b"three\n")
    read(process, b"three\n")
    again.write(b"four").end()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b"four")
    assert err.startswith(b"end\n")
    assert b"attempt 2" in err


def test_following_one_attempt_ends_with_the_attempt(spool: Spool, start: Callable) -> None:
    job_id = spool.publish(b"")
    process = start("logs", "-f", "--attempt", "1", job_id)
    run = Run(spool).write(b"one\n")
    read(process, b"one\n")
    run.end(1, retry=True)
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 0
    assert spool.get(job_id).status.name == "READY"


def test_following_a_job_that_ends_without_output_is_3(spool: Spool, start: Callable) -> None:
    job_id = spool.publish(b"")
    process = start("logs", "-f", job_id)
    wait_until_blocked(process.pid)
    spool.cancel(job_id)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert b"has no log" in err
    assert b"cancelled" in err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "arguments are required: ID"),
        (("a", "b"), "unrecognized arguments: b"),
        (("--all", "--attempt", "1", "a"), "--attempt: not allowed with argument --all"),
        (("-f", "--json", "a"), "no --follow with it"),
    ],
)
def test_wrong_usage(cli: Callable, words: tuple[str, ...], why: str) -> None:
    assert why in cli("logs", *words).bad(2)
