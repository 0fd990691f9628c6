"""`spoolq prune`: remove jobs that ended long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.cli import options, output

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `spoolq prune`."""
    options.describe(
        parser,
        "Remove jobs that are done (or cancelled) for longer than the spool's retention time, "
        "with\ntheir results, records, logs and keys. Failed jobs stay, unless --failed is given.",
        """
spoolq prune
spoolq prune --older-than 7d --failed
spoolq prune --older-than 0                # all that is done
""",
        {},
    )
    parser.add_argument(
        "--older-than", metavar="DUR", type=options.duration,
        help="ended so long ago (default: the spool's retention)",
    )  # fmt: skip
    parser.add_argument("--failed", action="store_true", help="failed jobs too")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Prune once."""
    with options.open_spool(args) as spool:
        removed = spool.prune(args.older_than, failed=args.failed).removed
    if args.json:
        output.json_line({"removed": removed})
    else:
        output.line(f"removed {removed} job" + ("" if removed == 1 else "s"))
    return 0
