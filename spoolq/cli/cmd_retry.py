"""`spoolq retry`: make failed jobs ready again."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.cli.each import each
from spoolq.jobs import JobStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from spoolq.cli.table import Table
    from spoolq.queue import Spool


def add_arguments(table: Table) -> None:
    """The options of `spoolq retry`."""
    options.describe(
        table,
        "Make failed jobs ready again, their attempts counted from 0; what went wrong stays in "
        "their history. A job that has not failed stays as it is.",
        """
spoolq retry "$id"
spoolq retry --failed                      # all of failed/
""",
        {5: "an id is no job; the others were retried"},
    )
    options.add_ids(table, nargs="*")
    table.add_argument("--failed", action="store_true", help="all failed jobs")
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Retry each job and say where it is now."""
    if bool(args.ids) == args.failed:
        raise options.UsageError("give either IDs or --failed")
    with options.open_spool(args, publish_only=True) as spool:

        def retry(job_id: str) -> None:
            was_failed = spool.get(job_id).status == JobStatus.FAILED
            job = spool.retry(job_id)
            if args.json:
                output.json_line(output.job_values(job))
            else:
                note = "" if was_failed else " (had not failed)"
                output.line(output.printable(f"{job_id}  {output.word_of(job)}{note}"))

        return each(_failed(spool) if args.failed else options.given_ids(args.ids), retry)


def _failed(spool: Spool) -> Iterator[str]:
    for job in spool.list(JobStatus.FAILED):
        yield job.id
