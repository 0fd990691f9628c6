"""Argparse as the commands use it: help, errors, and the command lines that are not plain."""

from __future__ import annotations

import argparse
import os

from spoolq.cli import output
from spoolq.cli.options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from spoolq.cli.table import Table


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


def parser_for(table: Table) -> Parser:
    """The parser of a command's table."""
    parser = Parser(prog=table.prog, description=table.description, epilog=table.epilog)
    groups = {
        group: parser.add_mutually_exclusive_group(**group.keywords) for group in table.groups
    }
    for entry in table.entries:
        adding = parser if entry.group is None else groups[entry.group]
        adding.add_argument(*entry.flags, **entry.keywords)
    return parser


def parsed(parser: Parser, words: list[str]) -> argparse.Namespace:
    """Options may stand anywhere before `--`; what follows COMMAND in `work COMMAND` is not ours."""
    takes_rest = any(action.nargs in {"...", "A..."} for action in parser._actions)
    # argparse's intermixed parsing takes what follows `--` for options.
    if takes_rest or "--" in words:
        return parser.parse_args(words)
    return parser.parse_intermixed_args(words)
