"""`spoolq work`: until when a worker may work, and how long it goes on once it is told to end."""

from __future__ import annotations

import os
import time

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.table import Table

_KEPT = "SPOOLQ_WORK_STOP_BY"
"""A worker that begins anew hands its end (monotonic seconds) to itself here."""


def add_options(table: Table) -> None:
    """The options."""
    end = table.add_mutually_exclusive_group()
    end.add_argument(
        "--walltime",
        metavar="DUR",
        type=options.duration,
        help="be over after so long: what still runs then is stopped and given back in time "
        "(default: when the Slurm job ends that this runs in, if it does)",
    )
    end.add_argument(
        "--until", metavar="TIME", help="the same by the clock: 18:30, or 2026-11-25T18:30"
    )
    table.add_argument(
        "--min-time",
        metavar="DUR",
        type=options.duration,
        default=0.0,
        help="start no command with less time than this left before that end",
    )
    table.add_argument(
        "--drain",
        metavar="DUR",
        type=options.duration,
        help="after the first INT or TERM let running commands go on for so long at most, as if the "
        "second came then; but to a known end that is less than 2 minutes away (default: no limit)",
    )


def chosen(args: argparse.Namespace) -> dict[str, Any]:
    """`stop_by`, `min_seconds` and `drain_seconds` of WorkOptions.

    Raises:
        UsageError: a time that is none, or `--min-time` without an end to keep it from.
    """
    stop_by = _stop_by(args)
    if args.min_time and stop_by is None and not _is_in_slurm():
        raise options.UsageError("--min-time needs an end: --walltime, --until, or a Slurm job")
    return {"stop_by": stop_by, "min_seconds": args.min_time, "drain_seconds": args.drain}


def keep(stop_by: float | None) -> None:
    """What begins anew in this process ends when this one would have."""
    if stop_by is not None:
        os.environ[_KEPT] = repr(stop_by)


def _stop_by(args: argparse.Namespace) -> float | None:
    kept = os.environ.pop(_KEPT, None)
    if kept is not None:
        return float(kept)
    left = _seconds_left(args)
    return None if left is None else time.monotonic() + left


def _seconds_left(args: argparse.Namespace) -> float | None:
    if args.walltime is not None:
        return float(args.walltime)
    if args.until is None and not _is_in_slurm():
        return None
    from spoolq.worker import walltime

    now = time.time()
    if args.until is not None:
        left = walltime.seconds_until(args.until, now)
        if left is None:
            raise options.UsageError(f"--until: {args.until!r} is no time; write 18:30")
        return left
    try:
        return walltime.seconds_left_in_slurm(os.environ, now)
    except walltime.Unknown as unknown:
        output.say(f"the end of this Slurm job is not known (give --walltime): {unknown}")
        return None


def _is_in_slurm() -> bool:
    return "SLURM_JOB_ID" in os.environ
