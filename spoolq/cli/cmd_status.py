"""`spoolq status`: the whole spool on one screen, once, again and again, or for monitoring."""

from __future__ import annotations

import sys

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.looking.overview import Lookout


def add_arguments(table: Table) -> None:
    """The options of `spoolq status`."""
    options.describe(
        table,
        """
Tell how many jobs are ready, leased, delayed, done (cancelled ones too) and failed, how long the
oldest has been waiting, what ended in the last five minutes, which workers are alive, whether and
why the spool is paused, how much room is left, and what needs a look. Only reads, and does the
same bounded work however many jobs there are.

With --check one line for monitoring, by the conventions of Nagios plugins: what needs a look is a
warning or critical by itself; --warning and --critical set limits of your own. NAME is one of
ready, leased, delayed, done, failed (counts), oldest, lease (ages of the oldest waiting job and
lease), expired, overdue (leases and delayed jobs that nobody looks after), failing, troubles (jobs
failed, and attempts gone wrong, in five minutes), clock (seconds off); and, where less is worse,
workers (alive), disk and inodes (percent free).
""",
        """
spoolq status
spoolq status --watch
spoolq status --json | jq .ready
spoolq status --check --warning oldest=15m --critical oldest=2h --critical workers=1
""",
        {
            0: "all went well; with --check: OK",
            1: "an error; with --check: WARNING",
            2: "the command line makes no sense; with --check: CRITICAL",
            3: "with --check: UNKNOWN, the spool could not be looked at",
        },
    )
    way = table.add_mutually_exclusive_group()
    way.add_argument(
        "--watch",
        metavar="SECONDS",
        type=options.duration,
        nargs="?",
        const=2.0,
        help="look again every 2 s, or as often as given (less often where a look takes long)",
    )
    way.add_argument("--check", action="store_true", help="one line and exit status for monitoring")
    for level in ("warning", "critical"):
        table.add_argument(
            f"--{level}",
            metavar="NAME=LIMIT",
            action="append",
            default=[],
            help=f"with --check: {level} when the figure is beyond the limit",
        )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Print what one look, or each of many, finds."""
    if args.check:
        from spoolq.cli import monitoring

        return monitoring.check(args)
    if args.warning or args.critical:
        raise options.UsageError("--warning and --critical go with --check")
    from spoolq.looking.overview import Lookout
    from spoolq.queue import internals

    with options.open_spool(args, publish_only=True) as spool:
        lookout = Lookout(internals(spool))
        if args.watch is None:
            _print(lookout, as_json=args.json)
        else:
            _watch(lookout, args.watch, as_json=args.json)
    return 0


def _print(lookout: Lookout, *, as_json: bool) -> None:
    from spoolq.cli import panel
    from spoolq.rules.health import needs_a_look

    seen = lookout.look()
    findings = needs_a_look(seen)
    if as_json:
        output.json_line(panel.values(seen, findings))
        return
    clear = "\x1b[H\x1b[J" if lookout.looks > 1 and output.is_terminal(sys.stdout) else ""
    # In one piece, so that a screen that is drawn anew does not flicker.
    output.block(clear + "".join(f"{line}\n" for line in panel.lines(seen, findings)))


def _watch(lookout: Lookout, every_seconds: float, *, as_json: bool) -> None:
    """Look until Ctrl-C; where a look takes long, ten times as long passes until the next."""
    import time

    if not as_json and output.is_terminal(sys.stdout):
        output.block("\x1b[2J\x1b[H")
    while True:
        begun = time.monotonic()
        _print(lookout, as_json=as_json)
        output.flush()
        time.sleep(max(every_seconds, 10 * (time.monotonic() - begun), 0.05))
        if not as_json and not output.is_terminal(sys.stdout):
            output.line()
