"""`spoolq archive`: pack old done jobs into one compressed file a day."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq archive`."""
    options.describe(
        table,
        """
Pack jobs that are done (or cancelled) for long into archive/, one compressed file for each day they
were published on: task, result, options, records, history and logs. Then they are removed from
done/. show, get and result go on telling of them. Remove files of archive/ as you like.

Run it every day, well before the spool's retention has passed: what consumers have pruned cannot be
archived any more.
""",
        """
spoolq archive                            # what is done for half the retention
spoolq archive --older-than 12h
unzip -p /shared/spool/archive/20261124.*.zip | jq -r .id
""",
        {},
    )
    table.add_argument(
        "--older-than", metavar="DUR", type=options.duration,
        help="done for so long (default: half of the spool's retention)",
    )  # fmt: skip
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Archive once."""
    from spoolq.holding.storage import telling_storage_errors
    from spoolq.queue import internals
    from spoolq.rules.settings import checked_seconds
    from spoolq.verbs.archiving import archive

    with options.open_spool(args, publish_only=True) as spool:
        age = spool.settings.retention_seconds / 2 if args.older_than is None else args.older_than
        age = checked_seconds("older_than_seconds", age)
        count, files = telling_storage_errors(archive)(internals(spool), age)
    if args.json:
        output.json_line({"archived": count, "files": files})
    else:
        where = f" into {', '.join(files)}" if files else ""
        output.line(output.printable(f"archived {count} job{'' if count == 1 else 's'}{where}"))
    return 0
