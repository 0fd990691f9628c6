"""`spoolq work`: run a command for each job."""

from __future__ import annotations

from spoolq.cli import options, remaining

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.worker.exits import Policy
    from spoolq.worker.options import WorkOptions

SOME_FAILED = 6


def add_arguments(table: Table) -> None:
    """The options of `spoolq work`."""
    options.describe(
        table,
        """
Run COMMAND once for each job. The task comes on its standard input; {} in an argument becomes the
path of a private copy of it, {id} the job's id. No shell is used unless COMMAND is one. The
environment has SPOOLQ_DIR, SPOOLQ_ID, SPOOLQ_ATTEMPT, SPOOLQ_RESCHEDULES, SPOOLQ_LEASE,
SPOOLQ_PRIORITY, and each header as SPOOLQ_HEADER_<NAME>.

Exit status of COMMAND: 0, the job is done; 75, it is given back for later, and the attempt does
not count; anything else, death by a signal and a timeout fail it: tried again with back-off while
--retries or the job's max attempts allow, else it goes to failed/. What COMMAND prints is kept in
the spool's logs/.

The first INT or TERM, and HUP: take no more jobs, let running commands finish. The second: stop
them (TERM, after --grace KILL, to their whole process groups) and give their jobs back at once.
The third: KILL.
""",
        """
spoolq work -- ./process                       # reads the task from standard input
spoolq work -j 4 --timeout 1h -- convert {} /results/{id}.png
spoolq work -j auto --until-empty -- sh -c 'gzip > "/archive/$SPOOLQ_ID.gz"'
spoolq work --commands -j 8                    # the tasks are commands: see spoolq submit
""",
        {6: "a command failed for good in this run"},
    )
    _add_running(table)
    _add_ending(table)
    table.add_argument(
        "--commands",
        action="store_true",
        help="run the commands that 'spoolq submit' has published; whoever may write to the spool "
        "may then run anything as you",
    )
    table.add_argument("command", metavar="COMMAND", nargs="...", help="the command, after --")


def _add_running(table: Table) -> None:
    table.add_argument(
        "-j",
        "--jobs",
        metavar="N",
        type=_slots,
        default=1,
        help="run up to N commands at once; auto: one per usable CPU (default 1)",
    )
    table.add_argument(
        "--timeout", metavar="DUR", type=options.duration, help="stop a command after so long"
    )
    table.add_argument(
        "--grace",
        metavar="DUR",
        type=options.duration,
        default=10.0,
        help="from TERM to KILL (default 10s)",
    )
    table.add_argument(
        "--retries",
        metavar="N",
        type=options.whole_number(0),
        default=0,
        help="try a failing command up to N times again (default 0)",
    )
    table.add_argument(
        "--retry-on",
        metavar="LIST",
        help="retry only these ends: exit codes, ranges, signals, timeout (1,64-78,SIGSEGV)",
    )
    table.add_argument("--no-retry-on", metavar="LIST", default=None, help="never retry these ends")
    table.add_argument(
        "--output",
        choices=("capture", "inherit", "discard"),
        default="capture",
        help="what COMMAND prints: kept in logs/ (default), printed, or thrown away",
    )
    table.add_argument(
        "--max-output",
        metavar="SIZE",
        type=options.byte_size,
        default=64 * 1024 * 1024,
        help="keep at most so much of each stream, the middle cut (default 64M)",
    )
    table.add_argument(
        "--nice",
        metavar="N",
        type=options.whole_number(0, 39),
        default=0,
        help="run commands at a niceness that is N higher",
    )


def _add_ending(table: Table) -> None:
    table.add_argument(
        "--idle-exit", metavar="DUR", type=options.duration, help="end after so long without work"
    )
    table.add_argument(
        "--until-empty",
        action="store_true",
        help="end when no job is ready, delayed or leased any more",
    )
    table.add_argument(
        "--max-jobs",
        metavar="N",
        type=options.whole_number(1),
        help="end after having started N commands",
    )
    table.add_argument(
        "--max-rss",
        metavar="SIZE",
        type=options.byte_size,
        help="start anew when the worker itself uses more memory than this",
    )
    remaining.add_options(table)


def _slots(text: str) -> int:
    if text == "auto":
        from spoolq.worker.cpus import usable_cpus

        return usable_cpus()
    return options.whole_number(1, 10_000)(text)


def run(args: argparse.Namespace) -> int:
    """Work until told to stop, or until there is nothing more to do."""
    from spoolq.cli import anew
    from spoolq.cli.reporting import Reporter
    from spoolq.queue import internals
    from spoolq.worker.notify import Announcer
    from spoolq.worker.runner import Runner
    from spoolq.worker.wake import Signals

    chosen = _chosen(args)
    with options.open_spool(args) as spool:
        reporter = Reporter(internals(spool), chosen)
        announcer = Announcer(reporter)
        runner = Runner(spool, chosen, announcer, anew.counts_before())
        try:
            with Signals(runner.wake, runner.heard):
                runner.run()
        finally:
            reporter.close()
    if runner.wants_anew:
        remaining.keep(chosen.stop_by)
        announcer.hand_on()
        anew.begin(runner.counts)
    return SOME_FAILED if runner.counts.failed else 0


def checked(args: argparse.Namespace) -> tuple[list[str], Policy]:
    """The command for every task (none with --commands), and what its ends are worth.

    What is wrong with them is so on every host; the rest is looked at where the worker runs.

    Raises:
        UsageError: neither a command nor --commands, or both.
        InvalidSetting: an end that is none.
    """
    command = options.unled(args.command)
    if bool(command) == args.commands:
        raise options.UsageError("give either a COMMAND (after --) or --commands")
    return command, _policy(args)


def _chosen(args: argparse.Namespace) -> WorkOptions:
    from spoolq.worker.options import WorkOptions

    command, policy = checked(args)
    _check_program(command)
    return WorkOptions(
        argv=tuple(command),
        slots=args.jobs,
        policy=policy,
        time_limit=args.timeout or None,
        grace_seconds=args.grace,
        nice=args.nice,
        output=args.output,
        max_output=args.max_output,
        idle_seconds=args.idle_exit,
        max_jobs=args.max_jobs,
        until_empty=args.until_empty,
        max_rss=args.max_rss,
        **remaining.chosen(args),
    )


def _check_program(command: list[str]) -> None:
    """Better now than for every task."""
    import shutil

    if command and "{" not in command[0] and shutil.which(command[0]) is None:
        why = "is not there, or cannot be executed" if command[0] else "is empty"
        raise options.UsageError(f"COMMAND {command[0]!r} {why}")


def _policy(args: argparse.Namespace) -> Policy:
    from spoolq.worker.exits import Policy, parse_ends

    return Policy(
        retries=args.retries,
        retry_on=None if args.retry_on is None else parse_ends("--retry-on", args.retry_on),
        no_retry_on=frozenset()
        if args.no_retry_on is None
        else parse_ends("--no-retry-on", args.no_retry_on),
    )
