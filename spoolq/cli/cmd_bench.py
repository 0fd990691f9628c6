"""`spoolq bench`: how fast a spool is on a file system, beside the bare system calls."""

from __future__ import annotations

import os

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.bench.rounds import Figure
    from spoolq.bench.scenarios import Scale
    from spoolq.cli.table import Table


def add_arguments(table: Table) -> None:
    """The options of `spoolq bench`."""
    options.describe(
        table,
        """
Measure spools in a new directory under DIR (default: the current one), which is removed at the end.
Beside each figure stands the floor: a program that makes the same system calls with nothing around
them, in the same run, taking turns. Medians of rounds, with the fastest and the slowest in
brackets; "x" is the ratio to the floor. It takes two or three minutes; -s is not used.
""",
        """
spoolq bench /shared                  # on the file system that the spool will be on
spoolq bench --only publish --only take
spoolq bench --json > figures.jsonl
""",
        {},
    )
    table.add_argument("directory", metavar="DIR", nargs="?", default=".", help="where to measure")
    table.add_argument(
        "--only", metavar="NAME", action="append", help="only this scenario; may be repeated"
    )
    table.add_argument(
        "--quick", action="store_true", help="tiny counts: whether it runs, not how fast it is"
    )
    table.add_argument(
        "--large", action="store_true", help="one million waiting tasks too; takes minutes"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Measure and tell each scenario as it ends."""
    import signal
    import sys
    from dataclasses import replace

    from spoolq.bench import scenarios

    chosen = args.only or list(scenarios.ALL)
    for name in chosen:
        if name not in scenarios.ALL:
            known = ", ".join(scenarios.ALL)
            raise options.UsageError(f"--only {name}: no such scenario; there are {known}")
    scale = scenarios.QUICK if args.quick else scenarios.Scale()
    if args.large:
        scale = replace(scale, waiting=(*scale.waiting, 1_000_000))
    came: list[int] = []

    def end(number: int, _frame: object) -> None:
        came.append(number)
        sys.exit(128 + number)  # tidied up, too

    signal.signal(signal.SIGTERM, end)
    try:
        _measure(args, chosen, scale)
    except OSError:
        # RACE: interrupted as it closes its pipes, subprocess fails by closing them again.
        if not came:
            raise
    return 128 + came[0] if came else 0


def _measure(args: argparse.Namespace, chosen: list[str], scale: Scale) -> None:
    from spoolq.bench import scenarios
    from spoolq.bench.scratch import scratch_directory
    from spoolq.disk import mounts

    # One around all of them: a signal in the midst of tidying one up is tidied up after, too.
    with scratch_directory(args.directory) as place:
        if not args.json:
            _head(mounts.filesystem_type(os.path.abspath(place)))
        for name in chosen:
            with scratch_directory(place) as folder:
                for figure in scenarios.ALL[name](folder, scale):
                    _tell(figure, as_json=args.json)


def _head(filesystem: str) -> None:
    output.line(f"on {filesystem}, {os.cpu_count()} processors")
    columns = f"{'median':>9} {'':<8} {'floor':<8} [fastest slowest]"
    output.line(f"{'scenario (durability)':<34} {'subject':<18} {columns}")


def _tell(figure: Figure, *, as_json: bool) -> None:
    if as_json:
        output.json_line(figure.values())
    else:
        output.line(_row(figure))
    output.flush()


def _row(figure: Figure) -> str:
    ratio = "" if figure.ratio is None else f"x {figure.ratio:.2f}"
    numbers = (
        f"{_number(figure.median):>9} {figure.unit:<8} {ratio:<8} "
        f"[{_number(figure.low)} {_number(figure.high)}]"
    )
    what = f"{figure.scenario} ({figure.durability})"
    return f"{what:<34} {figure.subject:<18} {numbers:<44} {figure.remark()}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
