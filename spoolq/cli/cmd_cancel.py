"""`spoolq cancel`: see that no further run of a job comes."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.cli.each import each
from spoolq.errors import UnknownJob
from spoolq.jobs import JobStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.jobs import JobInfo


def add_arguments(table: Table) -> None:
    """The options of `spoolq cancel`."""
    options.describe(
        table,
        "See that no further run of a job comes. A waiting job never runs. A running one is not "
        "interrupted: its holder learns of it when it renews or ends its lease, and no other run "
        "follows. A job that has ended stays as it is.",
        """
spoolq cancel "$id"
spoolq ls --ids ready | spoolq cancel -
""",
        {5: "an id is no job; the others were cancelled"},
    )
    options.add_ids(table)
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Cancel each job and say what that meant for it."""
    with options.open_spool(args, publish_only=True) as spool:

        def cancel(job_id: str) -> None:
            before, after = spool.get(job_id), spool.cancel(job_id)
            if after.status == JobStatus.UNKNOWN:
                raise UnknownJob(job_id)
            if args.json:
                running = _is_still_running(before, after)
                output.json_line({**output.job_values(after), "still_running": running})
            else:
                output.line(output.printable(f"{job_id}  {_said(before, after)}"))

        return each(options.given_ids(args.ids), cancel)


def _is_still_running(before: JobInfo, after: JobInfo) -> bool:
    return before.status == JobStatus.PROCESSING and after.outcome == "cancelled"


def _said(before: JobInfo, after: JobInfo) -> str:
    if before.outcome is not None or after.outcome != "cancelled":
        return f"already {output.word_of(after)}"
    if _is_still_running(before, after):
        return f"cancelled; its present run by {before.owner or 'somebody'} goes on"
    return "cancelled"
