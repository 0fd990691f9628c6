"""`spoolq submit`: what becomes a task, and `--wait` with runs that are played by the test."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command_line import command
from support.processes import environment, wait_until_blocked
from support.runs import Run
from support.spools import jobs_on_disk
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def tasks(spool: Spool) -> list[dict[str, Any]]:
    """The tasks that wait, in order."""
    ready = Path(spool.path) / "ready"
    return [json.loads(path.read_bytes()) for path in sorted(ready.iterdir())]


def test_the_command_its_directory_and_nothing_else(
    cli: Callable, spool: Spool, here: Path
) -> None:
    job_id = cli("submit", "--", "convert", "a b.tif", "-x").good().out.strip()
    assert tasks(spool) == [{"argv": ["convert", "a b.tif", "-x"], "cwd": str(here)}]
    assert spool.get(job_id).priority == 5


def test_the_double_dash_may_be_left_out_and_stand_in_the_command(
    cli: Callable, spool: Spool
) -> None:
    cli("submit", "git", "log", "--", "file").good()
    cli("submit", "--", "--odd", "--", "--wait").good()
    assert [task["argv"] for task in tasks(spool)] == [
        ["git", "log", "--", "file"],
        ["--odd", "--", "--wait"],
    ]


def test_directory_and_environment_are_those_asked_for(
    cli: Callable, spool: Spool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "as it is here")
    cli("submit", "--cwd", "../else/./where", "--env", "A=1=2", "--env", "MINE", "--env", "E=", "x")
    (task,) = tasks(spool)
    assert task["cwd"] == str(here.parent / "else" / "where")
    assert task["env"] == {"A": "1=2", "MINE": "as it is here", "E": ""}
    assert "NOT_SET is not set here" in cli("submit", "--env", "NOT_SET", "x").bad(2)


def test_the_directory_goes_by_the_name_that_the_user_knows(
    cli: Callable, spool: Spool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.parent / "link").symlink_to(here)
    monkeypatch.chdir(here.parent / "link")
    monkeypatch.setenv("PWD", str(here.parent / "link"))
    cli("submit", "x").good()
    monkeypatch.setenv("PWD", "/somewhere/else")
    cli("submit", "x").good()
    assert [task["cwd"] for task in tasks(spool)] == [str(here.parent / "link"), str(here)]


def test_bytes_that_are_no_utf8_arrive(process: Callable, spool: Spool) -> None:
    process("submit", "--", b"cat", b"\xff.txt").good()
    assert os.fsencode(tasks(spool)[0]["argv"][1]) == b"\xff.txt"


def test_a_script_gets_its_words_as_arguments(cli: Callable, spool: Spool) -> None:
    cli("submit", "--shell", "--", 'echo "$1" | wc', "a;b").good()
    assert tasks(spool)[0]["argv"] == ["/bin/sh", "-c", 'echo "$1" | wc', "sh", "a;b"]


def test_options_are_those_of_put(cli: Callable, spool: Spool) -> None:
    words = ("--priority", "2", "--key", "k", "--header", "a=b", "--timeout", "1m")
    job_id = (
        cli("submit", *words, "--retries", "2", "--lease-seconds", "10m", "x").good().out.strip()
    )
    assert cli("submit", *words, "y").good().out.strip() == job_id
    known = spool.details(job_id)
    assert (known["key"], known["headers"], known["lease_seconds"]) == ("k", {"a": "b"}, 600)
    assert (known["max_attempts"], job_id[0]) == (3, "2")
    assert tasks(spool)[0]["timeout_seconds"] == 60
    delayed = cli("submit", "--delay", "1h", "x").good().out.strip()
    assert spool.get(delayed).status.name == "DELAYED"


def test_an_array_of_numbers(cli: Callable, spool: Spool) -> None:
    ids = cli("submit", "--array", "8-11", "--", "run", "--seed={}", "{}{}", "x").good().lines
    assert ids == sorted(ids)
    assert [task["argv"] for task in tasks(spool)] == [
        ["run", f"--seed={n}", f"{n}{n}", "x"] for n in (8, 9, 10, 11)
    ]
    assert tasks(spool)[1]["env"] == {"SPOOLQ_ARRAY_INDEX": "9", "SPOOLQ_ARRAY_ITEM": "9"}


def test_an_array_of_lines(cli: Callable, spool: Spool, here: Path) -> None:
    (here / "1-2").write_bytes(b"a b\n\n$(rm -rf /)\n\xff")
    told = cli("submit", "--json", "--array", "./1-2", "--", "cat", "{}").good().objects
    assert [(one["index"], one["item"]) for one in told] == [
        (1, "a b"),
        (3, "$(rm -rf /)"),
        (4, "\udcff"),
    ]
    assert [os.fsencode(task["argv"][1]) for task in tasks(spool)] == [
        b"a b",
        b"$(rm -rf /)",
        b"\xff",
    ]
    assert tasks(spool)[1]["env"]["SPOOLQ_ARRAY_INDEX"] == "3"


def test_an_array_from_standard_input_and_an_empty_one(cli: Callable, spool: Spool) -> None:
    assert cli("submit", "--array", "-", "x", "{}", stdin=b"").good().out == ""
    cli("submit", "--array", "-", "x", "{}", stdin=b"one\n").good()
    assert [task["argv"] for task in tasks(spool)] == [["x", "one"]]


def test_no_line_becomes_shell_code(cli: Callable, spool: Spool) -> None:
    said = cli("submit", "--shell", "--array", "1-2", "--", "echo {}").bad(2)
    assert "SPOOLQ_ARRAY_ITEM" in said
    cli("submit", "--shell", "--array", "1-2", "--", 'echo "$1"', "{}").good()
    assert [task["argv"][2:] for task in tasks(spool)] == [
        ['echo "$1"', "sh", "1"],
        ['echo "$1"', "sh", "2"],
    ]


def test_one_line_that_cannot_be_publishes_none(cli: Callable, spool: Spool) -> None:
    said = cli("submit", "--array", "-", "x", "{}", stdin=b"good\nb\0d\n").bad(2)
    assert "--array -: line 2 holds a NUL byte" in said
    assert "nowhere.txt: No such file" in cli("submit", "--array", "nowhere.txt", "x").bad(1)
    assert jobs_on_disk(spool.path) == {}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "the command is missing"),
        (("--",), "the command is missing"),
        (("--", ""), "the command is missing"),
        (("--array", "5-1", "x"), "--array 5-1: the first number is above the last"),
        (("--array", "1-99999999", "x"), "--array 1-99999999: more than 1000000 jobs"),
        (("--array", "", "x"), "argument --array: it is empty"),
        (("--array", "1-2", "--key", "k", "x"), "--key names one job"),
        (("--retries", "1", "--max-attempts", "1", "x"), "either --retries or --max-attempts"),
        (("--wait", "--json", "x"), "no --json with it"),
        (("--env", "=1", "x"), "argument --env: '=1' is no variable"),
        (("--timeout", "soon", "x"), "argument --timeout: 'soon' is no duration"),
    ],
)
def test_wrong_usage_publishes_nothing(
    cli: Callable, spool: Spool, words: tuple[str, ...], why: str
) -> None:
    ran = cli("submit", *words)
    assert why in ran.bad(2)
    assert ran.out == ""
    assert jobs_on_disk(spool.path) == {}


# ----- --wait


@pytest.fixture
def submitted(spool: Spool, start: Callable) -> Callable[..., subprocess.Popen[bytes]]:
    """Start `submit --wait` as a process; its job is there."""

    def submit(*words: str) -> subprocess.Popen[bytes]:
        before = len(jobs_on_disk(spool.path))
        process: subprocess.Popen[bytes] = start("submit", "--wait", *words)
        eventually(lambda: len(jobs_on_disk(spool.path)) > before)
        return process

    return submit


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Its exit status, and the rest of what it printed."""
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def test_waiting_streams_and_ends_as_the_command_does(spool: Spool, submitted: Callable) -> None:
    process = submitted("x")
    run = Run(spool).write(b"first\n")
    assert process.stdout.readline() == b"first\n"
    assert process.poll() is None
    run.write(b"wrong\n", "err").end(7)
    assert ended(process) == (7, b"", b"wrong\n")


@pytest.mark.parametrize(
    ("run", "status"),
    [
        ({"exit_code": 0}, 0),
        ({"exit_code": 127}, 127),
        ({"exit_code": None, "signal": "SIGKILL"}, 137),
        ({"exit_code": None, "signal": "SIGTERM", "timed_out": True}, 124),
        ({"exit_code": 0, "timed_out": True}, 124),
        ({"exit_code": None, "signal": "SIG40"}, 168),
        ({"exit_code": None, "signal": "nonsense"}, 6),
    ],
)
def test_the_status_is_what_a_shell_would_give(
    spool: Spool, submitted: Callable, run: dict[str, Any], status: int
) -> None:
    process = submitted("x")
    if run == {"exit_code": 0}:
        Run(spool).end(0)
    else:
        Run(spool).job.fail("ended badly", retry=False, run=run)
    code, _, err = ended(process)
    assert code == status
    assert (b"ended badly" in err) == bool(status)


def test_waiting_goes_on_through_retries(spool: Spool, submitted: Callable) -> None:
    process = submitted("--retries", "1", "x")
    Run(spool).write(b"one\n").end(1, retry=True)
    Run(spool).write(b"two\n").end(0)
    code, out, err = ended(process)
    assert (code, out) == (0, b"one\ntwo\n")
    assert b"attempt 2" in err


def test_of_an_array_the_outputs_come_in_order_and_the_highest_status_counts(
    spool: Spool, submitted: Callable
) -> None:
    process = submitted("--array", "1-3", "x")
    eventually(lambda: len(jobs_on_disk(spool.path)) == 3)
    runs = [Run(spool) for _ in range(3)]
    for number in (2, 1, 0):
        runs[number].write(b"%d\n" % number).end(number * 2)
    assert ended(process) == (4, b"0\n1\n2\n", b"")


def test_ctrl_c_cancels_what_has_not_ended(spool: Spool, submitted: Callable) -> None:
    process = submitted("--array", "1-3", "x")
    eventually(lambda: len(jobs_on_disk(spool.path)) == 3)
    Run(spool).end()
    running = Run(spool)
    wait_until_blocked(process.pid)
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130
    assert b"cancelled" in err
    assert sorted(job.outcome or "" for job in spool.list()) == ["cancelled", "cancelled", "done"]
    assert spool.get(running.job.id).outcome == "cancelled"


def test_cancelled_or_gone_by_another_hand_is_told(spool: Spool, submitted: Callable) -> None:
    process = submitted("x")
    (job,) = spool.list()
    spool.cancel(job.id)
    code, _, err = ended(process)
    assert code == 6
    assert b"was cancelled" in err


def test_a_person_is_told_that_nobody_works(spool: Spool) -> None:
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        command("submit", "--wait", "x"), env=environment(SPOOLQ_DIR=spool.path), stderr=theirs
    )
    os.close(theirs)
    try:
        said = b""
        while b"would run this" not in said:
            said += os.read(terminal, 1000)
        assert b"no worker is alive" in said
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
