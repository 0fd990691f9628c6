"""`spoolq resume`: undo pause."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq resume`."""
    options.describe(
        table, "Let jobs be taken again. No error when nothing is paused.", "spoolq resume", {}
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Resume the spool."""
    with options.open_spool(args, publish_only=True) as spool:
        spool.resume()
        if args.json:
            output.json_line({"path": spool.path, "paused": None})
        else:
            output.say(f"{spool.path} goes on")
    return 0
