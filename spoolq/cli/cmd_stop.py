"""`spoolq stop`: ask workers, on whatever host, to stop."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.rules.crew import Worker
    from spoolq.verbs.context import OpenSpool

NOBODY_THERE = 3


def add_arguments(table: Table) -> None:
    """The options of `spoolq stop`."""
    options.describe(
        table,
        """
Ask workers to stop, on whatever host they run, by a file in the spool that they look for every
two seconds. They take no more jobs and let running commands finish; with --now they stop those,
and give their jobs back at once. Without --host and --worker: all workers of the spool.

Prints the workers that were asked. What a supervisor starts again is another worker: see
'spoolq pause' for keeping jobs from being taken.
""",
        """
spoolq stop --host node7            # before maintenance
spoolq stop --host node7 --now
spoolq stop --worker node7-4711-QK2MZ3XWAB
spoolq stop && spoolq wait --all    # no more of them
""",
        {3: "no such worker is alive"},
    )
    which = table.add_mutually_exclusive_group()
    which.add_argument("--host", metavar="H", help="all workers on this host")
    which.add_argument("--worker", metavar="W", help="this worker ('spoolq status' names them)")
    table.add_argument(
        "--now", action="store_true", help="stop running commands and give their jobs back"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Ask, and tell who was asked."""
    from spoolq.queue import internals
    from spoolq.verbs import workers

    with options.open_spool(args, publish_only=True) as spool:
        opened = internals(spool)
        found = _alive(opened, args.host, args.worker)
        for worker in found:
            workers.ask_to_stop(opened, worker.name, now=args.now)
            _tell(worker, as_json=args.json, now=args.now)
    if not found:
        output.say(f"no worker is alive{_where(args)}")
        return NOBODY_THERE
    return 0


def _alive(spool: OpenSpool, host: str | None, name: str | None) -> list[Worker]:
    from spoolq.looking.crew import workers

    now = spool.clock.fresh_now()
    return [
        worker
        for worker in workers(spool)
        if worker.is_alive(now) and host in {None, worker.host} and name in {None, worker.name}
    ]


def _tell(worker: Worker, *, as_json: bool, now: bool) -> None:
    if as_json:
        output.json_line({"worker": worker.name, "host": worker.host, "now": now})
    else:
        output.line(output.printable(worker.name))


def _where(args: argparse.Namespace) -> str:
    if args.host is not None:
        return f" on host {args.host}"
    return f" of the name {args.worker}" if args.worker is not None else ""
