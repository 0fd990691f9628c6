"""`spoolq reap`: take back what expired."""

from __future__ import annotations

from dataclasses import asdict

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq reap`."""
    options.describe(
        table,
        "Take back jobs whose lease has expired, make delayed jobs ready that are due, and sweep "
        "away\nwhat dead processes left behind. Every consumer does this by the way; run it where "
        "no\nconsumer does. Safe at any time, on any number of hosts at once.",
        """
spoolq reap
*/5 * * * *  spoolq -s /shared/spool reap      # in a crontab
""",
        {},
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Reap once."""
    with options.open_spool(args) as spool:
        report = asdict(spool.reap())
    if args.json:
        output.json_line(report)
    else:
        output.line("  ".join(f"{name} {count}" for name, count in report.items()))
    return 0
