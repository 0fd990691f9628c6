"""Writes man/ from the parsers: a page for each group of commands, the text that of `--help`.

Run by make_cli.py.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import make_cli

from spoolq import __version__
from spoolq.cli.main import COMMANDS, parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Path(__file__).resolve().parents[2] / "man"
RELEASED = "2026-11-25"
NOTE = ".\\\" Written by docs/reference/make_cli.py from the commands' own parsers. Do not edit."
GROUPS = {
    "publish": ("put tasks into a spool, and wait for them", ("put", "submit", "wait", "logs")),
    "work": ("run commands for jobs", ("work", "stop", "slurm")),
    "lease": ("take jobs and end them, step by step", ("get", "done", "fail", "release", "extend")),
    "steer": ("cancel, retry, pause", ("cancel", "retry", "pause", "resume")),
    "look": (
        "see into a spool",
        ("status", "ls", "show", "explain", "top", "metrics", "report", "web"),
    ),
    "keep": (
        "make a spool and keep it in order",
        ("init", "reap", "prune", "archive", "doctor", "bench", "completion"),
    ),
}
"""Page spoolq-NAME(1): what its commands are for, and which they are. Others join the last page."""
OVERVIEW = """\
A job queue whose server is a directory. Processes that share it, on one host or on many over NFS, \
put tasks in and take them out; nothing else has to run. Whoever takes a task holds a lease on it; \
a process or host that dies loses its lease, and the task comes to somebody else."""
ENVIRONMENT = {
    "SPOOLQ_DIR": "the spool, where -s does not name one",
    "SPOOLQ_TRUST": "1: trust a spool that another user owns",
    "SPOOLQ_DEBUG": "1: show the traceback of an error too",
    "NO_COLOR": "anything: no colours",
    "COLUMNS": "width of the terminal, instead of what it says itself",
}
EXITS = {
    "0": "it was done",
    "1": "an error; one line on standard error says which",
    "2": "the command line makes no sense",
    "3": "nothing there, or the time is over",
    "4": "the lease is lost",
    "5": "no such job",
    "6": "a task failed for good",
}


def pages() -> dict[Path, str]:
    """Every page and what is to stand in it."""
    found = {PLACE / "spoolq.1": "\n".join(_overview()) + "\n"}
    for name, (about, _) in GROUPS.items():
        found[PLACE / f"spoolq-{name}.1"] = "\n".join(_page(name, about)) + "\n"
    return found


def _members(name: str) -> list[str]:
    """The commands of a group that this copy has; those of no group belong to the last one."""
    grouped = {command for _, commands in GROUPS.values() for command in commands}
    members = [command for command in GROUPS[name][1] if command in COMMANDS]
    if name == list(GROUPS)[-1]:
        members += [command for command in COMMANDS if command not in grouped]
    return members


def _heading(title: str, about: str) -> Iterator[str]:
    yield NOTE
    yield f'.TH {_plain(title.upper())} 1 "{RELEASED}" "spoolq {__version__}" "spoolq"'
    yield ".SH NAME"
    yield f"{_plain(title)} \\- {_plain(about)}"


def _overview() -> Iterator[str]:
    yield from _heading("spoolq", "a job queue whose server is a directory")
    yield ".SH SYNOPSIS"
    yield ".B spoolq"
    yield "[\\fB\\-s\\fR \\fIDIR\\fR] \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]"
    yield ".SH DESCRIPTION"
    yield _plain(OVERVIEW)
    yield ".SH COMMANDS"
    for name, (about, _) in GROUPS.items():
        yield f".SS {_plain(about[0].upper() + about[1:])}: spoolq\\-{name}(1)"
        for command in _members(name):
            yield from _item(command, COMMANDS[command][1])
    yield ".SH EXIT STATUS"
    for code, meaning in EXITS.items():
        yield from _item(code, meaning)
    yield from _ending(list(GROUPS))


def _page(name: str, about: str) -> Iterator[str]:
    yield from _heading(f"spoolq-{name}", about)
    yield ".SH SYNOPSIS"
    members = _members(name)
    for position, command in enumerate(members):
        if position:
            yield ".br"
        _, parser = parser_of(command)
        yield f".B {_plain(make_cli.usage(parser))}"
    yield ".SH DESCRIPTION"
    yield "The spool is named by \\fB\\-s\\fR \\fIDIR\\fR or the environment's SPOOLQ_DIR."
    for command in members:
        yield from _command(command)
    yield from _ending([other for other in GROUPS if other != name])


def _command(command: str) -> Iterator[str]:
    _, parser = parser_of(command)
    told, examples, exits = make_cli.texts(parser)
    yield f".SH {command.upper()}"
    for position, part in enumerate((told or COMMANDS[command][1]).split("\n\n")):
        if position:
            yield ".PP"
        yield from _paragraph(part)
    for shown, about in make_cli.options_of(parser):
        yield from _item(shown, about)
    yield ".SS Examples"
    yield ".nf"
    yield from (_plain(line) for line in examples)
    yield ".fi"
    yield f".SS Exit status of {command}"
    for line in exits:
        code, _, meaning = line.partition(": ")
        yield from _item(code, meaning)


def _paragraph(text: str) -> Iterator[str]:
    if "\n " in text:
        yield from (".nf", *(_plain(line) for line in text.splitlines()), ".fi")
        return
    yield from map(_plain, textwrap.wrap(" ".join(text.split()), 90, break_on_hyphens=False))


def _item(term: str, about: str) -> Iterator[str]:
    yield ".TP"
    yield f"\\fB{_plain(term)}\\fR"
    yield from _paragraph(about or "-")


def _ending(others: list[str]) -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    for name, meaning in ENVIRONMENT.items():
        yield from _item(name, meaning)
    yield ".SH SEE ALSO"
    related = [f"spoolq\\-{name}(1)" for name in others]
    yield ",\n".join([*([] if len(others) == len(GROUPS) else ["spoolq(1)"]), *related])


def _plain(text: str) -> str:
    """Text that roff takes for text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped
