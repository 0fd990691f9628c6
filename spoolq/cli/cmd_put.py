"""`spoolq put`: publish tasks."""

from __future__ import annotations

from spoolq.cli import options, output, publishing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.table import Table
    from spoolq.queue import Spool


def add_arguments(table: Table) -> None:
    """The options of `spoolq put`."""
    options.describe(
        table,
        """
Publish one task per FILE, its content byte for byte, and print the jobs' ids, one a line. Without
FILE, or where FILE is -, standard input is read. When an id is printed, that task is in the spool.

With --lines or --null each line or record of the input is a task of its own, without its ending;
an empty one in the middle is an empty task. They are published as they come, so a pipe may stay
open for days.
""",
        """
id=$(spoolq put page1.pdf)
date | spoolq put
find . -name '*.tif' -print0 | spoolq put --null    # a task per file name
spoolq put --lines --priority 2 < urls.txt          # 0 comes first, 9 last
spoolq put --delay 15m --header kind=thumbnail page1.pdf
spoolq put --key nightly-2026-11-24 report.conf     # once, however often it is said
""",
        {
            1: "an error; the tasks whose ids were printed are in the spool, no others",
            3: "the spool is full (max_waiting, max_bytes); as for 1",
        },
    )
    _add_input(table)
    publishing.add_options(table)
    table.add_argument(
        "--timeout", metavar="DUR", type=options.duration, default=0.0,
        help="when the spool is full, wait so long for room (default: not at all)",
    )  # fmt: skip
    options.add_json(table)


def _add_input(table: Table) -> None:
    table.add_argument(
        "files", metavar="FILE", nargs="*", help="its content is a task; - for standard input"
    )
    records = table.add_mutually_exclusive_group()
    records.add_argument(
        "--lines",
        action="store_const",
        dest="separator",
        const=b"\n",
        help="a task per line of the input",
    )
    records.add_argument(
        "-0",
        "--null",
        action="store_const",
        dest="separator",
        const=b"\0",
        help="a task per NUL-terminated record of the input",
    )


def run(args: argparse.Namespace) -> int:
    """Publish; ids are printed batch by batch, each only when its task is safe."""
    from spoolq.cli import sources

    files = sources.checked(args.files)
    with options.open_spool(args, publish_only=True) as spool:
        wanted = {**publishing.given(args), "timeout": args.timeout}
        if args.key is not None:
            _put_one(spool, args, files, {**wanted, "key": args.key})
            return 0
        most = spool.settings.max_task_bytes
        for batch in sources.batches(files, args.separator, most):
            ids = spool.publish_many([task for _, task in batch], **wanted)
            _tell(args, [(job_id, name) for job_id, (name, _) in zip(ids, batch, strict=True)])
    return 0


def _put_one(
    spool: Spool, args: argparse.Namespace, files: list[str], wanted: dict[str, Any]
) -> None:
    from spoolq.cli import sources

    if len(files) != 1 or args.separator is not None:
        raise options.UsageError("--key names one task: one FILE, without --lines and --null")
    task = sources.whole(files[0], spool.settings.max_task_bytes)
    _tell(args, [(spool.publish(task, **wanted), files[0])])


def _tell(args: argparse.Namespace, published: list[tuple[str, str]]) -> None:
    for job_id, source in published:
        if args.json:
            output.json_line({"id": job_id, "source": source})
        else:
            output.line(job_id)
    output.flush()
