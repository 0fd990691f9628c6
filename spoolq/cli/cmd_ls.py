"""`spoolq ls`: list jobs."""

from __future__ import annotations

import sys
from itertools import islice

from spoolq.cli import options, output
from spoolq.jobs import JobStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from datetime import datetime

    from spoolq.cli.table import Table
    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool

_STATES = {
    "leased": JobStatus.PROCESSING,
    "ready": JobStatus.READY,
    "delayed": JobStatus.DELAYED,
    "failed": JobStatus.FAILED,
    "done": JobStatus.DONE,
}
_ORDERS = ("published", "priority", "attempt", "due", "owner", "reason")
_NAMES = {**_STATES, "processing": JobStatus.PROCESSING}


def add_arguments(table: Table) -> None:
    """The options of `spoolq ls`."""
    options.describe(
        table,
        """
List jobs, one a line: those being worked on first, then ready, delayed, failed and done ones, each
in the order in which they come or came. STATE is a directory's name (ready, leased, delayed, done,
failed) or a status as in JSON (processing). AGE is the time since the job was published, TRY the
number of its present or last attempt. Of several options all must hold.
""",
        """
spoolq ls
spoolq ls leased failed
spoolq ls failed --since 1h --sort reason
spoolq ls leased --owner 'node7-*' --sort due
spoolq ls --ids failed --header kind=page | spoolq retry -
spoolq ls --json done | jq -r 'select(.outcome == "cancelled").id'
""",
        {},
    )
    table.add_argument("states", metavar="STATE", nargs="*", type=_state, help="only these")
    table.add_argument(
        "--since", metavar="WHEN", type=_since, help="published in the last WHEN, or since a time"
    )
    table.add_argument(
        "--owner", metavar="PATTERN", help="held (or, where a record tells, ended) by such an owner"
    )
    table.add_argument("--key", metavar="KEY", help="published with this unique key")
    table.add_argument(
        "--header",
        metavar="K=V",
        type=options.header,
        action="append",
        default=[],
        help="published with this header",
    )
    table.add_argument("--sort", choices=_ORDERS, help="in this order instead")
    table.add_argument("--reverse", action="store_true", help="with --sort: the other way round")
    table.add_argument(
        "--limit", metavar="N", type=options.whole_number(1), help="at most so many jobs"
    )
    table.add_argument("--ids", action="store_true", help="print ids only")
    options.add_json(table)


def _since(text: str) -> float | datetime:
    """A length of time in seconds, or a time (UTC unless it says otherwise)."""
    from argparse import ArgumentTypeError
    from datetime import UTC, datetime

    try:
        return options.duration(text)
    except ArgumentTypeError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise options.unfit(f"{text!r} is no duration and no time like 2026-11-24T09:30") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _state(text: str) -> JobStatus:
    try:
        return _NAMES[text.lower()]
    except KeyError:
        raise options.unfit(f"{text!r} is none of {', '.join(_NAMES)}") from None


def run(args: argparse.Namespace) -> int:
    """Print the jobs as they are found."""
    if args.reverse and not args.sort:
        raise options.UsageError("--reverse goes with --sort")
    with options.open_spool(args, publish_only=True) as spool:
        jobs = islice(_jobs(spool, args), args.limit)
        if args.json:
            for job in jobs:
                output.json_line(output.job_values(job))
        elif args.ids:
            for job in jobs:
                output.line(job.id)
        else:
            _print(spool, jobs)
    return 0


def _jobs(spool: Spool, args: argparse.Namespace) -> Iterator[JobInfo]:
    from spoolq.looking import picking
    from spoolq.queue import internals

    since = args.since
    if isinstance(since, float):
        since = options.server_now(spool).timestamp() - since
    elif since is not None:
        since = since.timestamp()
    wanted = picking.Wanted(since, args.owner, args.key, dict(args.header))
    found = picking.pick(internals(spool), args.states or list(_STATES.values()), wanted)
    if args.sort:
        return iter(picking.in_order(found, args.sort, reverse=args.reverse))
    return found


def _print(spool: Spool, jobs: Iterator[JobInfo]) -> None:
    from spoolq.cli import rows

    now, columns = options.server_now(spool), output.width()
    for count, job in enumerate(jobs):
        if not count and output.is_terminal(sys.stdout):
            output.line(rows.heading())
        output.line(rows.row(job, now, columns))
