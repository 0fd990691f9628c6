"""`spoolq done`: end leased jobs well."""

from __future__ import annotations

from spoolq.cli import held, options, output
from spoolq.cli.each import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq done`."""
    options.describe(
        table,
        "End leased jobs well: once this has succeeded they are never given out again.\n"
        + held.LEASE_HELP,
        """
spoolq done "$lease"
spoolq done --result out.json "$lease"     # kept with the job: spoolq show --result ID
""",
        held.LEASE_EXITS,
    )
    held.add_leases(table)
    table.add_argument(
        "--result",
        metavar="FILE",
        help="keep its content as the job's result; - for standard input",
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Finish each job."""
    if args.result is not None and len(args.leases) > 1:
        raise options.UsageError("--result belongs to one LEASE")
    with options.open_spool(args, publish_only=True) as spool:
        result = _result(args.result, spool.settings.max_task_bytes)

        def finish(name: str) -> None:
            job = spool.leased_job(name)
            job.done(result)
            if args.json:
                output.json_line({"id": job.id, "name": job.name, "status": "done"})

        return each(args.leases, finish)


def _result(file: str | None, max_bytes: int) -> bytes | None:
    from spoolq.cli import sources

    return None if file is None else sources.whole(file, max_bytes)
