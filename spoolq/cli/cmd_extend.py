"""`spoolq extend`: renew leases."""

from __future__ import annotations

from spoolq.cli import held, options, output
from spoolq.cli.each import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq extend`."""
    options.describe(
        table,
        "Renew leases: the deadline becomes now plus --seconds. A renewed lease is a new lease: "
        "its\nnew name is printed, the old one is worth nothing any more.\n" + held.LEASE_HELP,
        """
lease=$(spoolq extend "$lease")
lease=$(spoolq extend --seconds 2h "$lease") || exit    # lost: stop working on it
""",
        held.LEASE_EXITS,
    )
    held.add_leases(table)
    table.add_argument(
        "--seconds", metavar="DUR", type=options.duration,
        help="from now on (default: the job's lease seconds)",
    )  # fmt: skip
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Extend each lease and print the new name."""
    with options.open_spool(args, publish_only=True) as spool:

        def extend(name: str) -> None:
            job = spool.leased_job(name)
            job.extend(args.seconds)
            if args.json:
                output.json_line({"was": name, **held.held_values(job)})
            else:
                output.line(job.name)
            output.flush()

        return each(args.leases, extend)
