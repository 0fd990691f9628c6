"""Finding the command, and how everything ends: statuses, one line of error, never a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command_line import command
from support.processes import environment

import spoolq
from spoolq.cli import failures, main, options
from spoolq.errors import SpoolqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

HERE = Path(__file__).parent


def test_alone_is_help_on_standard_error_and_2(cli: Callable) -> None:
    ran = cli()
    assert (ran.status, ran.out) == (2, "")
    assert all(f"\n  {name} " in ran.err for name in main.COMMANDS)


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("help",), ("-s", "x", "--help")])
def test_help_is_output_and_0(cli: Callable, words: tuple[str, ...]) -> None:
    ran = cli(*words).good()
    assert all(f"\n  {name} " in ran.out for name in main.COMMANDS)
    assert "EXIT STATUS" in ran.out
    assert max(map(len, ran.lines)) <= 80


def test_version(cli: Callable) -> None:
    assert cli("--version").good().out == f"spoolq {spoolq.__version__}\n"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help_with_examples_and_exit_status(cli: Callable, name: str) -> None:
    for words in ((name, "--help"), ("help", name), (name, "-h")):
        ran = cli(*words).good()
        assert ran.out.startswith(f"usage: spoolq {name} ")
        examples = ran.out.partition("\nEXAMPLES\n")[2].partition("\n\nEXIT STATUS\n")
        assert "spoolq" in examples[0]
        assert [line[2] for line in examples[2].splitlines()][:3] == ["0", "1", "2"]
        assert "--spool DIR" in ran.out


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_its_test(name: str) -> None:
    found = list(HERE.parent.rglob(f"test_cmd_{name}.py"))
    assert found, f"no test_cmd_{name}.py"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("stauts", "status"), ("list", "ls"), ("ack", "done"), ("enqueue", "put"), ("Put", "put")],
)
def test_a_mistyped_command_is_told_what_was_meant(cli: Callable, word: str, meant: str) -> None:
    assert f"did you mean '{meant}'?" in cli(word).bad(2)
    assert f"did you mean '{meant}'?" in cli("help", word).bad(2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("frobnicate",), "unknown command 'frobnicate'"),
        (("--frobnicate",), "unknown option '--frobnicate'"),
        (("--json", "ls"), "unknown option '--json'"),
        (("",), "unknown command ''"),
    ],
)
def test_an_unknown_word_is_2(cli: Callable, words: tuple[str, ...], said: str) -> None:
    ran = cli(*words)
    assert ran.bad(2) == f"spoolq: {said} (see 'spoolq --help')\n"
    assert ran.out == ""


@pytest.mark.parametrize(
    "words",
    [
        ("-s", "DIR", "status"),
        ("-sDIR", "status"),
        ("--spool", "DIR", "status"),
        ("--spool=DIR", "status"),
        ("status", "-s", "DIR"),
        ("status", "-sDIR"),
        ("status", "--spool=DIR"),
        ("-s", "elsewhere", "status", "-s", "DIR"),
    ],
)
def test_the_spool_before_and_after_the_command(
    cli: Callable, make_spool: Callable, words: tuple[str, ...]
) -> None:
    other = make_spool("other")
    ran = cli(*(word.replace("DIR", other.path) for word in words), "--json").good()
    assert ran.objects[0]["path"] == other.path


def test_no_spool_named_is_2(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPOOLQ_DIR")
    assert "SPOOLQ_DIR" in cli("status").bad(2)
    monkeypatch.setenv("SPOOLQ_DIR", "")
    assert "SPOOLQ_DIR" in cli("status").bad(2)
    assert "-s/--spool: the directory's name is empty" in cli("-s", "", "status").bad(2)
    for words in (("-s",), ("--spool",), ("status", "-s")):
        assert "argument -s/--spool: expected one argument" in cli(*words).bad(2)


@pytest.mark.parametrize("word", ["--jso", "--lim=2", "--bogus"])
def test_options_are_not_abbreviated(cli: Callable, word: str) -> None:
    assert f"ls: unrecognized arguments: {word} " in cli("ls", word).bad(2)


def test_unexpected_errors_are_one_line_and_a_traceback_when_debugging(
    cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_args: object, **_options: object) -> None:
        raise RuntimeError("it\nbroke\x1b[1m")

    monkeypatch.setattr(options, "open_spool", broken)
    said = cli("status").bad(1)
    assert "internal error: RuntimeError: it\\nbroke\\x1b[1m" in said
    assert "SPOOLQ_DEBUG=1" in said
    monkeypatch.setenv("SPOOLQ_DEBUG", "0")
    assert cli("status").bad(1) == said
    monkeypatch.setenv("SPOOLQ_DEBUG", "1")
    ran = cli("status")
    assert ran.status == 1
    assert ran.err.startswith("Traceback")
    assert "in broken\n" in ran.err


def all_errors() -> list[type[SpoolqError]]:
    """The whole tree of errors."""
    found, left = [], [SpoolqError]
    while left:
        found.append(left.pop())
        left += found[-1].__subclasses__()
    return found


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_documented_status(kind: type[SpoolqError]) -> None:
    error = kind.__new__(kind)
    assert failures.status_of(error) == kind.exit_code
    assert kind.exit_code in {1, 2, 3, 4, 5}


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_standard_error_closed_or_full_changes_nothing(
    spool: Spool, redirection: str, unbuffered: str
) -> None:
    for words, status in ((("get",), 3), ((), 2)):
        ended = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *command(*words)],
            stdout=subprocess.PIPE,
            check=False,
            env=environment(SPOOLQ_DIR=spool.path, PYTHONUNBUFFERED=unbuffered),
        )
        assert (ended.returncode, ended.stdout) == (status, b"")


@pytest.mark.parametrize("words", [("status",), ("ls",), ("--help",), ("ls", "--help")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_an_error(
    spool: Spool, words: tuple[str, ...], unbuffered: str
) -> None:
    spool.publish(b"")
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            command(*words),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=environment(SPOOLQ_DIR=spool.path, PYTHONUNBUFFERED=unbuffered),
        )
    assert ended.returncode == 1
    assert ended.stderr == b"spoolq: standard output: No space left on device\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(spool: Spool, encoding: str) -> None:
    spool.publish(b"")
    spool.get_job(0).fail("größer als 5 €", retry=False)
    ended = subprocess.run(
        command("ls"),
        capture_output=True,
        check=True,
        env=environment(SPOOLQ_DIR=spool.path, PYTHONIOENCODING=encoding),
    )
    assert "größer als 5 €".encode(encoding, "backslashreplace") in ended.stdout


def test_python_m_spoolq_is_the_command(process: Callable) -> None:
    assert process("--version").good().out == f"spoolq {spoolq.__version__}\n"


def test_main_is_callable_with_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("spoolq ")


def test_closed_standard_input_is_wrong_usage_for_put(spool: Spool) -> None:
    ended = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *command("put")],
        capture_output=True,
        check=False,
        env=environment(SPOOLQ_DIR=spool.path),
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"spoolq: put: standard input is closed")
    assert os.listdir(f"{spool.path}/ready") == []
