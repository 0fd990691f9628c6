"""Writes what is made from the parsers themselves; `--check` fails when any of it is stale.

That is docs/reference/cli.md here, the pages of man/ (make_man.py), and the completion of shells in
spoolq/cli/completion/ (make_completion.py).

python docs/reference/make_cli.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq.cli.main import COMMANDS, parser_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
<!-- Written by docs/reference/make_cli.py from the commands' own parsers. Do not edit. -->
# The command line

    spoolq [-s DIR] COMMAND [OPTION...] [ARGUMENT...]

**The spool** is named by `-s DIR` (before or after the command), else by the environment's
`SPOOLQ_DIR`. Options may stand anywhere before `--`; what follows `--` is never an option.
Options are not abbreviated.

**Output.** Results go to standard output, one a line; messages to standard error, each one line
that begins with `spoolq: `. Whatever is printed of a spool or a command line is escaped: control
characters and bytes that are no UTF-8 never reach the terminal. With `--json` each line is one
JSON object: [json-output.md](json-output.md). Colours come only on a terminal, and never with
`NO_COLOR` set or `TERM=dumb`.

**Durations** are seconds (`90`) or have units: `250ms`, `90s`, `15m`, `2h`, `1d`, `1w`, `1h30m`.
**Sizes** are bytes (`4096`) or have units, in powers of 1024: `64k`, `64M`, `1.5G`.

**IDs** are what `put` prints. Where IDs are wanted, `-` reads them from standard input, one a line.
**LEASE** is what `get` prints: the name of a file in `leased/`; the bare name of a lease does too
while it covers one job. Of several IDs or LEASEs all are tried.

## Exit status

Each command's own is told below; all of them, and the errors behind them, are in
[exit-codes.md](exit-codes.md). With several IDs or LEASEs the first failure decides.

## Environment

| variable | meaning |
|---|---|
| `SPOOLQ_DIR` | the spool, where `-s` does not name one |
| `SPOOLQ_TRUST` | `1`: trust a spool that another user owns |
| `SPOOLQ_ALLOW_SOFT` | `1`: open spools on soft NFS mounts too |
| `SPOOLQ_DEBUG` | `1`: show the traceback of an error too |
| `NO_COLOR` | anything: no colours |
| `COLUMNS` | width of the terminal, instead of what it says itself |
"""


def page() -> str:
    """The whole page."""
    commands = {name: about for name, (_, about) in COMMANDS.items() if _is_here(name)}
    parts = [INTRODUCTION, "## Commands\n"]
    parts += [f"- [`{name}`](#{name}): {about}\n" for name, about in commands.items()]
    parts += [_section(name, about) for name, about in commands.items()]
    return "".join(part if part.startswith("- ") else f"{part}\n" for part in parts)


def _is_here(command: str) -> bool:
    return find_spec(f"spoolq.cli.{COMMANDS[command][0]}") is not None


def _section(name: str, about: str) -> str:
    _, parser = parser_of(name)
    told, examples, exits = texts(parser)
    lines = [f"\n### {name}", "", f"    {usage(parser)}", "", told or about, ""]
    lines += ["| | |", "|---|---|", *_rows(parser), "", "```sh", *examples, "```", ""]
    lines += ["Exit status:", "", *(f"- {meaning}" for meaning in exits)]
    return "\n".join(lines)


def texts(parser: argparse.ArgumentParser) -> tuple[str, list[str], list[str]]:
    """Description, example lines, and `0: all went well` lines."""
    examples, _, exits = (parser.epilog or "").partition("\n\nEXIT STATUS\n")
    shown = [line.removeprefix("  ") for line in examples.splitlines()[1:]]
    meanings = [": ".join(line.split(maxsplit=1)) for line in exits.splitlines() if line.strip()]
    return (parser.description or "").strip(), shown, meanings


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and operands that are told of."""
    for action in parser._actions:
        if action.dest not in {"help", "spool"} and action.help != argparse.SUPPRESS:
            yield action


def usage(parser: argparse.ArgumentParser) -> str:
    """How the command is written."""
    # Not argparse's own: its wording differs from Python to Python.
    operands = [_operand(action) for action in actions(parser) if not action.option_strings]
    return " ".join([parser.prog, "[OPTION...]", *operands])


def _operand(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    shapes = {"*": f"[{name}...]", "+": f"{name}...", "?": f"[{name}]", "...": f"{name}..."}
    return shapes.get(str(action.nargs), name)


def options_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Each option or operand as it is written, and what it means."""
    for action in actions(parser):
        shown = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        if action.option_strings and action.nargs != 0:
            value = action.metavar or "|".join(map(str, action.choices or [action.dest.upper()]))
            shown += f" {value}"
        yield shown, " ".join((action.help or "").split())


def _rows(parser: argparse.ArgumentParser) -> Iterable[str]:
    for option in options_of(parser):
        # A bar would end the table's cell.
        yield "| `{}` | {} |".format(*(text.replace("|", "\\|") for text in option))


def pages() -> dict[Path, str]:
    """Every file that is made from the parsers, and what is to stand in it."""
    import make_completion
    import make_man

    return {PAGE: page(), **make_man.pages(), **make_completion.pages()}


def main(argv: list[str]) -> int:
    """Write all pages, or check them."""
    wanted = pages()
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if argv == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path} is stale: run python docs/reference/{Path(__file__).name}\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
