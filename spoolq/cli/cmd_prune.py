"""`spoolq prune`: remove jobs that ended long ago."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq prune`."""
    options.describe(
        table,
        "Remove done (or cancelled) jobs that the spool's retention does not keep, with their "
        "results,\nrecords, logs and keys. Consumers do so in passing. Failed jobs stay, unless "
        "--failed is given.",
        """
spoolq prune
spoolq prune --older-than 7d --failed
spoolq prune --older-than 0                # all that is done
spoolq prune --keep 10000 --keep-bytes 2G  # the jobs published last
""",
        {},
    )
    table.add_argument(
        "--older-than", metavar="DUR", type=options.duration,
        help="ended so long ago (default: the spool's retention)",
    )  # fmt: skip
    table.add_argument(
        "--keep", metavar="N", type=options.whole_number(1, 10**12), dest="keep_jobs",
        help="keep so many done jobs (and those published in the same second)",
    )  # fmt: skip
    table.add_argument(
        "--keep-bytes", metavar="SIZE", type=options.byte_size,
        help="keep done jobs of so many bytes, with results and records",
    )  # fmt: skip
    table.add_argument("--failed", action="store_true", help="failed jobs too, by their age")
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Prune once."""
    with options.open_spool(args) as spool:
        removed = spool.prune(
            args.older_than,
            args.failed,
            keep_jobs=args.keep_jobs,
            keep_bytes=args.keep_bytes,
        ).removed
    if args.json:
        output.json_line({"removed": removed})
    else:
        output.line(f"removed {removed} job" + ("" if removed == 1 else "s"))
    return 0
