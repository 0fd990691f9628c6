"""Options that commands share, and how texts on a command line become values."""

from __future__ import annotations

import argparse
import os
import re
import sys

from spoolq.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from typing import Any, NoReturn

    from spoolq.queue import Spool

_EXIT_STATUS = {
    0: "all went well",
    1: "an error; one line on standard error says which",
    2: "the command line makes no sense",
}
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ms|[smhdw])", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class UsageError(Exception):
    """The command line makes no sense: one line on standard error, exit status 2."""


class Parser(argparse.ArgumentParser):
    """A parser that reports errors by UsageError and knows no abbreviations of options.

    A script that abbreviates would break when another option of the same beginning comes.
    """

    def __init__(self, **keywords: Any) -> None:
        keywords.setdefault("allow_abbrev", False)
        super().__init__(formatter_class=_Formatter, **keywords)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing usage and ending the process."""
        raise UsageError(message)

    def print_help(self, file: object = None) -> None:
        """Help to standard output; argparse would keep silent about a full or closed one."""
        output.block(self.format_help())


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of the terminal's width, at most 100; argparse's own way to it imports shutil."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=help_width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Paragraphs filled to the width; those with indented lines (examples) as they are."""
        from textwrap import fill

        return "\n\n".join(
            part if "\n " in part else fill(" ".join(part.split()), width)
            for part in text.split("\n\n")
        )


def help_width() -> int:
    """Columns for help texts."""
    try:
        columns = int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            columns = os.get_terminal_size(1).columns or 80
        except OSError:
            columns = 80
    return max(40, min(columns - 2, 98))


def describe(
    parser: argparse.ArgumentParser, about: str, examples: str, exits: dict[int, str]
) -> None:
    """Give a command's help its text, its examples, and its exit status.

    Args:
        parser: the command's parser.
        about: what the command does, in a few lines.
        examples: command lines, one a line, `#` for remarks.
        exits: meaning of each exit status that differs from the common ones of 0, 1 and 2.
    """
    status = {**_EXIT_STATUS, **exits}
    parser.description = about.strip()
    parser.epilog = "\n".join(
        [
            "EXAMPLES",
            *("  " + line if line else "" for line in examples.strip().splitlines()),
            "",
            "EXIT STATUS",
            *(f"  {code}  {status[code]}" for code in sorted(status)),
        ]
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for every command that prints something."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON, one object a line (docs: json-output)"
    )


def add_ids(parser: argparse.ArgumentParser, *, nargs: str = "+") -> None:
    """Job ids as operands; `-` stands for those on standard input."""
    parser.add_argument(
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


def given_command(words: list[str]) -> list[str]:
    """COMMAND [ARG...] as the parser has collected them, without the `--` that may lead them.

    Raises:
        UsageError: there is none.
    """
    words = words[1:] if words[:1] == ["--"] else words
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


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `2h`, `1d`, `1w`, `250ms` or `1h30m`."""
    parts = _DURATION.findall(text)
    if parts and "".join(parts) == text:
        return sum(_part_seconds(part) for part in parts)
    if _NUMBER.fullmatch(text):
        return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 90, 90s, 15m, 2h or 1d")


def _part_seconds(part: str) -> float:
    digits = part.rstrip("mshdw")
    return float(digits) * _SECONDS[part[len(digits) :]]


def byte_size(text: str) -> int:
    """Bytes of `4096`, `64k`, `64M`, `64MiB` or `1.5g` (powers of 1024)."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 4096, 64k, 64M or 1G")
    return int(float(found[1]) * 1024 ** _POWERS[found[2].lower()])


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A converter for whole numbers of a range."""

    def convert(text: str) -> int:
        # Longer digit strings are refused by int() itself, with another error.
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
        if value < least or (most is not None and value > most):
            bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {bounds}")
        return value

    return convert


def text(value: str) -> str:
    """A text that can be stored: valid UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{value!r} is not valid UTF-8") from None
    return value


def filled(value: str) -> str:
    """A text that is not empty; bytes that are no UTF-8 may be in it."""
    if not value:
        raise argparse.ArgumentTypeError("it is empty")
    return value


def header(value: str) -> tuple[str, str]:
    """`K=V` as a pair."""
    name, equals, content = text(value).partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{value!r} is no header; write NAME=VALUE")
    return name, content
