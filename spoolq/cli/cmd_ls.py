"""`spoolq ls`: list jobs."""

from __future__ import annotations

import sys
from itertools import chain, islice
from typing import TYPE_CHECKING

from spoolq.cli import options, output
from spoolq.jobs import JobStatus

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool

_STATES = {
    "leased": JobStatus.PROCESSING,
    "ready": JobStatus.READY,
    "delayed": JobStatus.DELAYED,
    "failed": JobStatus.FAILED,
    "done": JobStatus.DONE,
}
_NAMES = {**_STATES, "processing": JobStatus.PROCESSING}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `spoolq ls`."""
    options.describe(
        parser,
        """
List jobs, one a line: those being worked on first, then ready, delayed, failed and done ones, each
in the order in which they come or came. STATE is a directory's name (ready, leased, delayed, done,
failed) or a status as in JSON (processing). AGE is the time since the job was published, TRY the
number of its present or last attempt.
""",
        """
spoolq ls
spoolq ls leased failed
spoolq ls --ids failed | spoolq retry -
spoolq ls --json done | jq -r 'select(.outcome == "cancelled").id'
""",
        {},
    )
    parser.add_argument("states", metavar="STATE", nargs="*", type=_state, help="only these")
    parser.add_argument(
        "--limit", metavar="N", type=options.whole_number(1), help="at most so many jobs"
    )
    parser.add_argument("--ids", action="store_true", help="print ids only")
    options.add_json(parser)


def _state(text: str) -> JobStatus:
    try:
        return _NAMES[text.lower()]
    except KeyError:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r} is none of {', '.join(_NAMES)}") from None


def run(args: argparse.Namespace) -> int:
    """Print the jobs as they are found."""
    with options.open_spool(args, publish_only=True) as spool:
        jobs = islice(_jobs(spool, args.states or list(_STATES.values())), args.limit)
        if args.json:
            for job in jobs:
                output.json_line(output.job_values(job))
        elif args.ids:
            for job in jobs:
                output.line(job.id)
        else:
            _print(spool, jobs)
    return 0


def _jobs(spool: Spool, states: list[JobStatus]) -> Iterator[JobInfo]:
    return chain.from_iterable(spool.list(status) for status in dict.fromkeys(states))


def _print(spool: Spool, jobs: Iterator[JobInfo]) -> None:
    from spoolq.cli import rows

    now, columns = options.server_now(spool), output.width()
    for count, job in enumerate(jobs):
        if not count and output.is_terminal(sys.stdout):
            output.line(rows.heading())
        output.line(rows.row(job, now, columns))
