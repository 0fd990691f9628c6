"""`spoolq put`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.processes import environment
from support.spools import names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spoolq import Spool


def tasks(spool: Spool) -> list[bytes]:
    """All tasks, in the order in which they are given out."""
    return [job.task for job in spool.get_jobs(10_000, 0)]


def test_a_file_is_a_task_byte_for_byte_and_its_id_is_printed(
    cli: Callable, spool: Spool, here: Path
) -> None:
    content = bytes(range(256)) + b"\n\n"
    (here / "task").write_bytes(content)
    ran = cli("put", "task").good()
    assert ran.lines == names(spool.path, "ready")
    assert tasks(spool) == [content]


def test_several_files_keep_their_order_wherever_options_stand(
    cli: Callable, spool: Spool, here: Path
) -> None:
    for name in "abc":
        (here / name).write_text(name)
    ran = cli("put", "c", "--priority", "3", "a", "--json", "b").good()
    assert [found["source"] for found in ran.objects] == ["c", "a", "b"]
    assert [found["id"][0] for found in ran.objects] == ["3", "3", "3"]
    assert tasks(spool) == [b"c", b"a", b"b"]


def test_a_name_that_begins_with_a_dash_follows_two(
    cli: Callable, spool: Spool, here: Path
) -> None:
    (here / "-f").write_bytes(b"x")
    cli("put", "--priority", "1", "--", "-f").good()
    assert tasks(spool) == [b"x"]


@pytest.mark.parametrize("words", [(), ("-",)])
def test_standard_input_is_a_task(cli: Callable, spool: Spool, words: tuple[str, ...]) -> None:
    cli("put", *words, stdin=b"from a pipe\n").good()
    assert tasks(spool) == [b"from a pipe\n"]


def test_an_empty_input_is_an_empty_task(cli: Callable, spool: Spool) -> None:
    cli("put", stdin=b"").good()
    assert tasks(spool) == [b""]


def test_a_terminal_without_a_file_is_wrong_usage(
    cli: Callable, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        assert "FILE" in cli("put").bad(2)
    os.close(ours)
    assert names(spool.path, "ready") == []


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"\n", [b""]),
        (b"a\r\n", [b"a\r"]),
        (b"\xff\0\n", [b"\xff\0"]),
    ],
)
def test_lines(cli: Callable, spool: Spool, given: bytes, wanted: list[bytes]) -> None:
    ran = cli("put", "--lines", stdin=given).good()
    assert len(ran.lines) == len(wanted)
    assert tasks(spool) == wanted


@pytest.mark.parametrize("option", ["--null", "-0"])
def test_records_end_with_nul(cli: Callable, spool: Spool, option: str) -> None:
    cli("put", option, stdin=b"a\nb\0\0c\0").good()
    assert tasks(spool) == [b"a\nb", b"", b"c"]


def test_many_lines_keep_their_order_over_batches(cli: Callable, spool: Spool, here: Path) -> None:
    wanted = [b"%d" % number for number in range(2500)]
    (here / "many").write_bytes(b"\n".join(wanted))
    ran = cli("put", "--lines", "many").good()
    assert ran.lines == names(spool.path, "ready")
    assert tasks(spool) == wanted


def test_lines_are_published_as_they_come(spool: Spool) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "spoolq", "put", "--lines"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(SPOOLQ_DIR=spool.path),
    ) as put:
        assert put.stdin
        assert put.stdout
        put.stdin.write(b"first\nhalf a li")
        put.stdin.flush()
        assert put.stdout.readline().decode().strip() == names(spool.path, "ready")[0]
        put.stdin.write(b"ne\n")
        put.stdin.close()
        assert len(put.stdout.read().split()) == 1
    assert put.returncode == 0
    assert tasks(spool) == [b"first", b"half a line"]


def test_options_go_with_the_task(cli: Callable, spool: Spool) -> None:
    words = ("--header", "a=1", "--header", "b=x=y", "--lease-seconds", "5m", "--max-attempts", "7")
    job_id = cli("put", *words, stdin=b"").good().out.strip()
    facts = spool.details(job_id)
    assert facts["headers"] == {"a": "1", "b": "x=y"}
    assert facts["lease_seconds"] == 300
    assert facts["max_attempts"] == 7


def test_a_delayed_task_waits_in_delayed(cli: Callable, spool: Spool) -> None:
    job_id = cli("put", "--delay", "2h", stdin=b"").good().out.strip()
    assert spool.get(job_id).status.name == "DELAYED"


def test_a_key_is_published_once(cli: Callable, spool: Spool) -> None:
    first = cli("put", "--key", "nightly", stdin=b"one").good()
    second = cli("put", "--key", "nightly", stdin=b"two").good()
    assert first.out == second.out
    assert tasks(spool) == [b"one"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--key", "k", "--lines"), "--key names one task"),
        (("--key", "k", "a", "b"), "--key names one task"),
        (("--key", "../x"), "key '../x': expected letters, digits"),
        (("--key", ""), "key '': expected letters, digits"),
        (("--lines", "--null"), "--null: not allowed with argument --lines"),
        (("--priority", "10"), "argument --priority: '10' is no whole number from 0 to 9"),
        (("--priority", "-1"), "argument --priority: "),
        (("--priority", "high"), "argument --priority: 'high' is no whole number from 0 to 9"),
        (("--delay", "soon"), "argument --delay: 'soon' is no duration"),
        (("--delay", "-1s"), "argument --delay: "),
        (("--delay", "inf"), "argument --delay: 'inf' is no duration"),
        (("--header", "novalue"), "argument --header: 'novalue' is no header"),
        (("--header", "=x"), "argument --header: '=x' is no header"),
        (("--header", "a=\udcff"), "argument --header: 'a=\\udcff' is not valid UTF-8"),
        (("--header", "a=" + "x" * 20_000), "headers of 20001 bytes are over 16384"),
        (("--lease-seconds", "0"), "lease_seconds=0.0: expected a number of seconds above 0"),
        (("--lines", "-", "-"), "standard input can be read only once"),
    ],
)
def test_what_makes_no_sense_publishes_nothing(
    cli: Callable, spool: Spool, here: Path, words: tuple[str, ...], why: str
) -> None:
    for name in "ab":
        (here / name).write_text(name)
    ran = cli("put", *words, stdin=b"task")
    assert why in ran.bad(2)
    assert ran.out == ""
    assert names(spool.path, "ready") == []
    assert names(spool.path, "sys/tmp") == []


@pytest.mark.parametrize("bad", ["missing", ".", "a/b"])
def test_a_bad_file_name_at_the_end_publishes_nothing(
    cli: Callable, spool: Spool, here: Path, bad: str
) -> None:
    (here / "a").write_text("a")
    assert bad in cli("put", "a", bad).bad(1)
    assert names(spool.path, "ready") == []


@pytest.mark.parametrize("words", [(), ("--lines",), ("--key", "k")])
def test_a_task_over_the_limit_is_refused_before_it_is_read_whole(
    make_spool: Callable, cli: Callable, words: tuple[str, ...]
) -> None:
    small = make_spool("small", max_task_bytes=1000)
    said = cli("put", "-s", small.path, *words, "/dev/zero").bad(2)
    assert "max_task_bytes=1000" in said
    assert names(small.path, "ready") == []


def test_a_task_of_exactly_the_limit_is_published(make_spool: Callable, cli: Callable) -> None:
    small = make_spool("small", max_task_bytes=1000)
    cli("put", "-s", small.path, stdin=bytes(1000)).good()
    assert tasks(small) == [bytes(1000)]


def test_a_full_spool_ends_with_3_and_says_so(
    cli: Callable, make_spool: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = make_spool("full", max_waiting=2)
    monkeypatch.setenv("SPOOLQ_DIR", full.path)
    cli("put", "--lines", stdin=b"one\ntwo\n").good()
    assert "max_waiting=2" in cli("put", stdin=b"three").bad(3)
    assert "max_waiting=2" in cli("put", "--timeout", "10ms", stdin=b"three").bad(3)
    assert tasks(full) == [b"one", b"two"]
