"""`spoolq release`: give leased jobs back."""

from __future__ import annotations

from spoolq.cli import held, options, output
from spoolq.cli.each import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq release`."""
    options.describe(
        table,
        "Give leased jobs back as if never taken: the attempt is not counted against them.\n"
        + held.LEASE_HELP,
        """
spoolq release "$lease"
spoolq release --delay 5m "$lease"     # not before five minutes have passed
""",
        held.LEASE_EXITS,
    )
    held.add_leases(table)
    table.add_argument(
        "--delay", metavar="DUR", type=options.duration, default=0.0, help="not before this time"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Release each job."""
    with options.open_spool(args, publish_only=True) as spool:

        def release(name: str) -> None:
            job = spool.leased_job(name)
            job.release(args.delay)
            if args.json:
                status = "delayed" if args.delay else "ready"
                output.json_line({"id": job.id, "name": name, "status": status})

        return each(args.leases, release)
