"""Options that commands share, and how texts on a command line become values."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from typing import Any

    from spoolq.cli.table import Table
    from spoolq.queue import Spool

_EXIT_STATUS = {
    0: "all went well",
    1: "an error; one line on standard error says which",
    2: "the command line makes no sense",
}
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class UsageError(Exception):
    """The command line makes no sense: one line on standard error, exit status 2."""


def describe(table: Table, about: str, examples: str, exits: dict[int, str]) -> None:
    """Give a command's help its text, its examples, and its exit status.

    Args:
        table: the command's table.
        about: what the command does, in a few lines.
        examples: command lines, one a line, `#` for remarks.
        exits: meaning of each exit status that differs from the common ones of 0, 1 and 2.
    """
    status = {**_EXIT_STATUS, **exits}
    table.description = about.strip()
    table.epilog = "\n".join(
        [
            "EXAMPLES",
            *("  " + line if line else "" for line in examples.strip().splitlines()),
            "",
            "EXIT STATUS",
            *(f"  {code}  {status[code]}" for code in sorted(status)),
        ]
    )


def add_json(table: Table) -> None:
    """`--json`, for every command that prints something."""
    table.add_argument(
        "--json", action="store_true", help="print JSON, one object a line (docs: json-output)"
    )


def add_ids(table: Table, *, nargs: str = "+") -> None:
    """Job ids as operands; `-` stands for those on standard input."""
    table.add_argument(
        "ids", metavar="ID", nargs=nargs, help="job ids; - reads them from standard input"
    )


def given_ids(ids: Iterable[str]) -> Iterator[str]:
    """The ids of `add_ids`, those on standard input read as they come."""
    for job_id in ids:
        if job_id != "-":
            yield job_id
            continue
        for line in stdin_bytes():
            if line.strip():
                yield os.fsdecode(line.strip())


def unled(words: list[str]) -> list[str]:
    """COMMAND [ARG...] as it was read, without the `--` that may lead them."""
    return words[1:] if words[:1] == ["--"] else words


def given_command(words: list[str]) -> list[str]:
    """As `unled`, of a command that has to be there.

    Raises:
        UsageError: there is none.
    """
    words = unled(words)
    if not words or not words[0]:
        raise UsageError("the command is missing: give it after a --")
    return words


def stdin_bytes() -> Any:
    """Standard input as a binary stream.

    Raises:
        UsageError: it is closed.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return sys.stdin.buffer


def spool_path(args: argparse.Namespace) -> str:
    """The spool meant: `-s DIR`, else SPOOLQ_DIR.

    Raises:
        UsageError: neither is given.
    """
    if args.spool is not None and not args.spool:
        raise UsageError("-s/--spool: the directory's name is empty")
    path = args.spool or os.environ.get("SPOOLQ_DIR")
    if not path:
        raise UsageError("which spool? Give -s DIR or set SPOOLQ_DIR")
    return str(path)


def open_spool(args: argparse.Namespace, *, publish_only: bool = False) -> Spool:
    """The spool meant, opened; a context manager.

    Raises:
        UsageError: no spool is named.
        SpoolqError: it cannot be opened.
    """
    from spoolq.queue import Spool

    return Spool(spool_path(args), publish_only=publish_only)


def server_now(spool: Spool) -> datetime:
    """The file server's time, which all times of jobs are of.

    Learning it takes a scratch file; who may not write to the spool gets this host's time.
    """
    from datetime import UTC, datetime

    from spoolq.queue import internals

    try:
        return datetime.fromtimestamp(internals(spool).clock.now(), UTC)
    except OSError:
        return datetime.now(UTC)


def paused_reason(spool: Spool) -> str | None:
    """Why the spool is paused ("" for no reason given), None when it is not; without counting."""
    from spoolq.queue import internals
    from spoolq.verbs import pause

    return pause.reason(internals(spool))


def unfit(message: str) -> Exception:
    """What a converter raises when a text does not fit: argparse tells it with the option's name."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(message)


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `2h`, `1d`, `1w`, `250ms` or `1h30m`."""
    seconds = float(text) if _is_number(text) else _of_parts(text)
    if seconds is None:
        raise unfit(f"{text!r} is no duration; write 90, 90s, 15m, 2h or 1d")
    return seconds


def _of_parts(text: str) -> float | None:
    """Seconds of numbers with units, one after the other; None when it is something else."""
    seconds, rest = 0.0, text
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        number, rest = rest[:digits], rest[digits:]
        unit = "ms" if rest.startswith("ms") else rest[:1]
        if unit not in _SECONDS or not _is_number(number):
            return None
        seconds += float(number) * _SECONDS[unit]
        rest = rest[len(unit) :]
    return seconds if text else None


def _is_number(text: str) -> bool:
    """Whether it is digits with at most one point among them."""
    return text.isascii() and text.replace(".", "", 1).isdigit()


def byte_size(text: str) -> int:
    """Bytes of `4096`, `64k`, `64M`, `64MiB` or `1.5g` (powers of 1024)."""
    import re

    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?", text, re.ASCII | re.IGNORECASE)
    if not found:
        raise unfit(f"{text!r} is no size; write 4096, 64k, 64M or 1G")
    return int(float(found[1]) * 1024 ** _POWERS[found[2].lower()])


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A converter for whole numbers of a range."""

    def convert(text: str) -> int:
        # Longer digit strings are refused by int() itself, with another error.
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
        if value < least or (most is not None and value > most):
            bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
            raise unfit(f"{text!r} is no whole number {bounds}")
        return value

    return convert


def text(value: str) -> str:
    """A text that can be stored: valid UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise unfit(f"{value!r} is not valid UTF-8") from None
    return value


def filled(value: str) -> str:
    """A text that is not empty; bytes that are no UTF-8 may be in it."""
    if not value:
        raise unfit("it is empty")
    return value


def header(value: str) -> tuple[str, str]:
    """`K=V` as a pair."""
    name, equals, content = text(value).partition("=")
    if not equals or not name:
        raise unfit(f"{value!r} is no header; write NAME=VALUE")
    return name, content
