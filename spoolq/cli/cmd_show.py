"""`spoolq show`: all that is known of a job."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.cli.each import each
from spoolq.errors import UnknownJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.table import Table
    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool

_LOOKS = 5


def add_arguments(table: Table) -> None:
    """The options of `spoolq show`."""
    options.describe(
        table,
        "Tell all that is known of a job: where it is, who published it and when, its options, every "
        "attempt (who, where, how long, why it ended, its logs), how it ended, and what it waits for. "
        "The task itself is the file named as path.",
        """
spoolq show "$id"
spoolq show --json "$id" | jq .reason
spoolq show --result "$id" > out.json
""",
        {3: "with --result: the job has none (yet)", 5: "no such job"},
    )
    options.add_ids(table)
    table.add_argument(
        "--result", action="store_true", help="print the job's result instead, byte for byte"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Show each job."""
    if args.result and (args.json or len(args.ids) != 1 or args.ids == ["-"]):
        raise options.UsageError("--result takes one ID and no --json")
    with options.open_spool(args, publish_only=True) as spool:
        if args.result:
            return _print_result(spool, args.ids[0])
        now = options.server_now(spool)
        shown: list[str] = []

        def show(job_id: str) -> None:
            from spoolq.cli import telling

            job, more = _known(spool, job_id)
            more = {**_values(more), **telling.story(spool, job, more)}
            if shown and not args.json:
                output.line()
            shown.append(job_id)
            if args.json:
                output.json_line({**output.job_values(job), **more})
            else:
                from spoolq.cli import facts

                facts.show(job, more, now)

        return each(options.given_ids(args.ids), show)


def _known(spool: Spool, job_id: str) -> tuple[JobInfo, dict[str, Any]]:
    """Both looks at a job, repeated while it moves in between."""
    for _ in range(_LOOKS):
        more = spool.details(job_id)
        job = spool.get(job_id)
        if output.directory_of(job) == more["state"]:
            break
    if not job.status:
        raise UnknownJob(job_id)
    return job, more


def _values(more: dict[str, Any]) -> dict[str, Any]:
    """Details as in JSON: flat, `lease` a name as everywhere else."""
    lease = more.get("lease") or {}
    return {
        **more,
        "lease": lease.get("name"),
        "host": lease.get("host"),
        "pid": lease.get("pid"),
        "granted_at": lease.get("granted_at"),
    }


def _print_result(spool: Spool, job_id: str) -> int:
    result = spool.result(job_id)
    if result is None:
        output.say(f"job {job_id} has no result")
        return 3
    output.flush()
    output.raw(result)
    return 0
