"""`spoolq pause`: let no job be taken."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq pause`."""
    options.describe(
        table,
        "Let no job be taken any more, by anybody on any host, until `spoolq resume`. What runs "
        "goes on,\nand tasks may be published.",
        "spoolq pause --reason 'the disk array is being moved'",
        {},
    )
    table.add_argument(
        "--reason", metavar="TEXT", type=options.text, default="", help="why, shown by status"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Pause the spool."""
    with options.open_spool(args, publish_only=True) as spool:
        spool.pause(args.reason)
        if args.json:
            output.json_line({"path": spool.path, "paused": args.reason})
        else:
            output.say(f"{spool.path} is paused; `spoolq resume` undoes it")
    return 0
