"""`spoolq pause`: let no job be taken."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `spoolq pause`."""
    options.describe(
        parser,
        "Let no job be taken any more, by anybody on any host, until `spoolq resume`. What runs "
        "goes on,\nand tasks may be published.",
        "spoolq pause --reason 'the disk array is being moved'",
        {},
    )
    parser.add_argument(
        "--reason", metavar="TEXT", type=options.text, default="", help="why, shown by status"
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Pause the spool."""
    with options.open_spool(args, publish_only=True) as spool:
        spool.pause(args.reason)
        if args.json:
            output.json_line({"path": spool.path, "paused": args.reason})
        else:
            output.say(f"{spool.path} is paused; `spoolq resume` undoes it")
    return 0
