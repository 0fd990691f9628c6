"""`spoolq fail`: end an attempt badly."""

from __future__ import annotations

from spoolq.cli import held, options, output
from spoolq.cli.each import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq fail`."""
    options.describe(
        table,
        "End an attempt badly. The job is tried again after a growing delay; when its attempts "
        "are used\nup, or with --no-retry, it has failed and stays in failed/ until retried or "
        "pruned.\n" + held.LEASE_HELP,
        """
spoolq fail "$lease" --reason 'no such page'
spoolq fail "$lease" --no-retry --reason 'the file is no PDF'
spoolq fail "$lease" --delay 1h
""",
        held.LEASE_EXITS,
    )
    held.add_leases(table)
    add = table.add_argument
    add(
        "--reason",
        metavar="TEXT",
        type=options.text,
        default="",
        help="what went wrong, for whoever looks",
    )
    add("--no-retry", action="store_false", dest="retry", help="fail for good")
    add(
        "--delay",
        metavar="DUR",
        type=options.duration,
        help="try again after so long (default: the spool's back-off)",
    )
    options.add_json(table)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Fail each job."""
    if args.delay is not None and not args.retry:
        raise options.UsageError("--delay and --no-retry contradict each other")
    with options.open_spool(args, publish_only=True) as spool:

        def fail(name: str) -> None:
            job = spool.leased_job(name)
            job.fail(args.reason, retry=args.retry, delay=args.delay)
            if args.json:
                output.json_line({"name": name, **output.job_values(spool.get(job.id))})

        return each(args.leases, fail)
