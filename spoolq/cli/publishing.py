"""Options of a task that `put` and `submit` share: priority, delay, key, headers, lease, attempts."""

from __future__ import annotations

from spoolq.cli import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.table import Table


def add_options(table: Table) -> None:
    """The options."""
    add = table.add_argument
    add(
        "--priority",
        metavar="N",
        type=options.whole_number(0, 9),
        default=5,
        help="0 (first) to 9 (last); default 5",
    )
    add(
        "--delay",
        metavar="DUR",
        type=options.duration,
        default=0.0,
        help="not before this time has passed (90, 90s, 15m, 2h, 1d)",
    )
    add(
        "--key",
        metavar="KEY",
        type=options.text,
        help="while a job of this key is kept, print its id and publish nothing",
    )
    add(
        "--header",
        metavar="K=V",
        type=options.header,
        action="append",
        dest="headers",
        help="a header that goes with each task; may be repeated",
    )
    add(
        "--lease-seconds",
        metavar="DUR",
        type=options.duration,
        help="lease of these jobs (default: the spool's)",
    )
    add(
        "--max-attempts",
        metavar="N",
        type=options.whole_number(0),
        help="attempts of these jobs; 0: no limit (default: the spool's)",
    )


def given(args: argparse.Namespace) -> dict[str, Any]:
    """What of them goes with every task; the key, if any, goes with one."""
    return {
        "priority": args.priority,
        "delay": args.delay,
        "headers": dict(args.headers) if args.headers else None,
        "lease_seconds": args.lease_seconds,
        "max_attempts": args.max_attempts,
    }
