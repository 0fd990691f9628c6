"""`spoolq logs`: what the command of a job has written."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.errors import UnknownJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.following import Follower
    from spoolq.cli.table import Table
    from spoolq.queue import Spool

NOTHING_THERE = 3


def add_arguments(table: Table) -> None:
    """The options of `spoolq logs`."""
    options.describe(
        table,
        """
Print what the command of a job wrote in its last run, byte for byte: its output to standard output,
its errors to standard error. Other runs are chosen by --attempt, or all printed with --all, the
oldest first.

With -f, go on as more is written, by whichever host, through further runs, until the job has ended.
A job that has not begun is waited for.
""",
        """
spoolq logs "$id"
spoolq logs --stderr "$id" | tail
spoolq logs -f "$id"
spoolq logs --attempt 1 "$id" > first.txt 2> first-errors.txt
""",
        {3: "there is no log: the job has not run, or wrote nothing", 5: "no such job"},
    )
    table.add_argument("id", metavar="ID", help="the job")
    table.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    which = table.add_mutually_exclusive_group()
    which.add_argument(
        "--attempt", metavar="N", type=options.whole_number(1), help="the runs of this attempt"
    )
    which.add_argument("--all", action="store_true", help="all runs")
    streams = table.add_mutually_exclusive_group()
    streams.add_argument("--stdout", action="store_true", help="print only the output")
    streams.add_argument(
        "--stderr", action="store_true", help="print only the errors, to standard output"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Print the logs, or tell with --json which there are."""
    if args.json and args.follow:
        raise options.UsageError("--json tells which logs there are: no --follow with it")
    with options.open_spool(args, publish_only=True) as spool:
        if not spool.get(args.id).status:
            raise UnknownJob(args.id)
        if args.json:
            return _list(spool, args)
        follower = _follower(spool, args)
        if args.follow:
            from spoolq.cli.following import follow

            follow(spool, args.id, follower, attempt=args.attempt)
        else:
            follower.pump()
        return 0 if follower.has_shown else _no_log(spool, args)


def _follower(spool: Spool, args: argparse.Namespace) -> Follower:
    from spoolq.cli import following
    from spoolq.queue import internals

    if args.stderr:
        sinks = {"err": following.to_stdout}
    elif args.stdout:
        sinks = {"out": following.to_stdout}
    else:
        sinks = {"out": following.to_stdout, "err": following.to_stderr}
    last_only = not args.all and args.attempt is None
    return following.Follower(
        internals(spool), args.id, sinks, attempt=args.attempt, last_only=last_only
    )


def _no_log(spool: Spool, args: argparse.Namespace) -> int:
    job = spool.get(args.id)
    which = f"attempt {args.attempt} of job {args.id}" if args.attempt else f"job {args.id}"
    why = "it has not run yet" if not job.attempt else "it wrote nothing, or was not captured"
    output.say(f"{which} has no log: {why} (the job is {output.word_of(job)})")
    return NOTHING_THERE


def _list(spool: Spool, args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from spoolq.queue import internals
    from spoolq.verbs import logs

    stream = "err" if args.stderr else "out" if args.stdout else None
    found = [
        log
        for log in logs.of_job(internals(spool), args.id)
        if args.attempt in {None, log.name.attempt} and stream in {None, log.name.stream}
    ]
    for log in found:
        output.json_line(
            {
                "id": log.name.id,
                "attempt": log.name.attempt,
                "lease": log.name.lease,
                "stream": log.name.stream,
                "path": f"{spool.path}/{log.path}",
                "size": log.size,
                "modified_at": datetime.fromtimestamp(log.modified_at, UTC),
            }
        )
    return 0 if found else _no_log(spool, args)
