"""`spoolq init`: make a spool."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.table import Table

_SETTINGS = (
    "lease_seconds",
    "max_attempts",
    "durability",
    "retention_seconds",
    "retention_jobs",
    "retention_bytes",
    "retry_delay_seconds",
    "retry_delay_max_seconds",
    "max_task_bytes",
    "max_waiting",
    "max_bytes",
    "group",
)


def add_arguments(table: Table) -> None:
    """The options of `spoolq init`: one for each setting that people change."""
    options.describe(
        table,
        """
Make a spool: the directory, and its settings in spool.json. They hold for every host that opens the
spool, and may be edited there later.

Whoever can write to a spool decides what its workers are given, and what workers with 'work
--commands' run, as the users that they run as. So it is private (mode 0700), whatever the umask;
with --group the members of the directory's group share it, and should trust each other.
""",
        """
spoolq init -s /shared/spool
spoolq init /shared/spool --lease-seconds 10m --max-attempts 5
spoolq init /shared/spool --group              # for all members of the directory's group
spoolq init /shared/spool --exist-ok           # in scripts
""",
        {1: "there is a spool (or something else) already, or another error"},
    )
    table.add_argument("directory", metavar="DIR", nargs="?", help="the same as -s DIR")
    _add_settings(table)
    _add_bounds(table)
    table.add_argument(
        "--exist-ok", action="store_true", help="a spool that is there already is no error"
    )
    options.add_json(table)


def _add_settings(table: Table) -> None:
    seconds, add = options.duration, table.add_argument
    add(
        "--lease-seconds",
        metavar="DUR",
        type=seconds,
        help="how long a taken job is held unless extended (default 60s)",
    )
    add(
        "--max-attempts",
        metavar="N",
        type=options.whole_number(0),
        help="attempts after which a job gives up (default 0: never)",
    )
    add(
        "--durability",
        choices=("full", "publish", "off"),
        help="what survives a power loss: everything (default), publishes, or nothing for sure",
    )
    add(
        "--retention",
        metavar="DUR",
        type=seconds,
        dest="retention_seconds",
        help="age at which done jobs are removed (default 1d)",
    )
    add(
        "--retry-delay",
        metavar="DUR",
        type=seconds,
        dest="retry_delay_seconds",
        help="back-off before the first retry, doubled each time (default 1s)",
    )
    add(
        "--retry-delay-max",
        metavar="DUR",
        type=seconds,
        dest="retry_delay_max_seconds",
        help="the longest back-off (default 5m)",
    )
    add(
        "--max-task-bytes",
        metavar="SIZE",
        type=options.byte_size,
        help="the largest task that may be published (default 64M)",
    )
    add("--group", action="store_true", default=None,
        help="share with the directory's group, whatever the umask")  # fmt: skip


def _add_bounds(table: Table) -> None:
    add = table.add_argument
    add(
        "--retention-jobs",
        metavar="N",
        type=options.whole_number(0, 10**12),
        help="so many done jobs are kept (default 0: any number)",
    )
    add(
        "--retention-bytes",
        metavar="SIZE",
        type=options.byte_size,
        help="so much of done jobs is kept (default 0: any size)",
    )
    add(
        "--max-waiting",
        metavar="N",
        type=options.whole_number(0, 10**12),
        help="so many jobs may wait, more are refused (default 0: any number)",
    )
    add(
        "--max-bytes",
        metavar="SIZE",
        type=options.byte_size,
        help="tasks of so many bytes may wait, more are refused (default 0: any size)",
    )


def run(args: argparse.Namespace) -> int:
    """Make the spool."""
    if args.directory is not None:
        if args.spool is not None:
            raise options.UsageError("give the directory once: DIR or -s DIR")
        args.spool = args.directory
    given = {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}
    path, made = _make(options.spool_path(args), given, exist_ok=args.exist_ok)
    if args.json:
        output.json_line({"path": path, "created": made})
    else:
        output.say(f"made a spool in {path}" if made else f"{path} is a spool already")
    return 0


def _make(path: str, given: dict[str, Any], *, exist_ok: bool) -> tuple[str, bool]:
    """The spool's absolute path, and whether it is new."""
    from spoolq.errors import SpoolExists, SpoolNotFound
    from spoolq.queue import Spool

    try:
        with Spool.create(path, **given) as spool:
            return spool.path, True
    except SpoolExists as exists:
        if not exist_ok:
            raise
        try:
            with Spool(path, publish_only=True) as spool:
                return spool.path, False
        except SpoolNotFound:
            raise exists from None  # something else is in the way
