"""`spoolq top`: a live view in the terminal, with keys to steer."""

from __future__ import annotations

import sys

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq top`."""
    options.describe(
        table,
        """
Watch a spool in the terminal: jobs by state, throughput, what runs and where, workers, what went
wrong lately, and what needs a look. Tab changes the table, arrows choose a row. Keys: c cancels the
job of the row (after a question), r retries it, l opens its log, e explains it, p pauses the spool
(and lets it go on), q quits.

Needs the extra: pip install 'spoolq[tui]'. Without it, and without a terminal, there is
'spoolq status --watch'.
""",
        """
spoolq top
spoolq top --every 10s --read-only
""",
        {},
    )
    table.add_argument(
        "--every",
        metavar="SECONDS",
        type=options.duration,
        default=2.0,
        help="look so often (2 s; less often where a look takes long)",
    )
    table.add_argument(
        "--read-only", action="store_true", help="no keys that cancel, retry or pause"
    )


def run(args: argparse.Namespace) -> int:
    """Show the view until it is left."""
    try:
        from spoolq.cli.top.app import Top
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"textual", "rich"}:
            raise
        output.say("top needs textual: pip install 'spoolq[tui]'; or try 'spoolq status --watch'")
        return 1
    if not (output.is_terminal(sys.stdout) and output.is_terminal(sys.stdin)):
        raise options.UsageError("no terminal; 'spoolq status --watch' needs none")
    with options.open_spool(args, publish_only=True) as spool:
        app = Top(spool, max(0.2, args.every), read_only=args.read_only)
        app.run()
    return app.return_code or 0
