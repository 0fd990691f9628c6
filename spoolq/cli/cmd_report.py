"""`spoolq report`: what the spool has done, as one HTML page."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table

_DEFAULT_SECONDS = 86400.0


def add_arguments(table: Table) -> None:
    """The options of `spoolq report`."""
    options.describe(
        table,
        """
Write one HTML page about what the spool has done: throughput, what waited and ran, how long jobs
waited and took, workers, the slowest and most retried jobs, failures by their reason, with
filters. It needs no network and opens from any directory. It is made from the journal that
consumers keep in passing (the setting journal_seconds), and disturbs nobody.
""",
        """
spoolq report                              # writes report.html, about the last day
spoolq report --last 2h --output /srv/www/queue.html
spoolq report --output - > page.html
""",
        {},
    )
    table.add_argument(
        "--output", "-o", metavar="FILE", default="report.html",
        help="where to write it; - for standard output (default report.html)",
    )  # fmt: skip
    table.add_argument(
        "--last", metavar="DUR", type=options.duration, default=_DEFAULT_SECONDS,
        help="attempts that ended so long ago or later (default 1d)",
    )  # fmt: skip
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from spoolq.cli.storing import store
    from spoolq.queue import internals
    from spoolq.report import gather, page

    if args.json and args.output == "-":
        raise options.UsageError("--json tells of a file written: give --output FILE")
    if not args.output:
        raise options.UsageError("--output: the file's name is empty")
    with options.open_spool(args, publish_only=True) as spool:
        inside = internals(spool)
        story = gather.gather(inside, inside.clock.estimate() - args.last)
    content = page.html(page.values(story)).encode()
    if args.output == "-":
        output.raw(content)
        return 0
    store(content, args.output)
    if args.json:
        told = {"path": args.output, "bytes": len(content), "attempts": len(story.rows)}
        output.json_line(told)
    else:
        output.say(f"wrote {args.output}: {len(story.rows)} attempts, {output.size(len(content))}")
    return 0
