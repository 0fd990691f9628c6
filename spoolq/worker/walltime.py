"""How long a worker may work: as it is told, or as the Slurm job that it runs in will last.

Lengths of time only: the end is where the caller's monotonic clock will then be. Slurm is asked for
the time that is left rather than for the end, so no time zone or other host's clock matters.
"""

from __future__ import annotations

import re
import subprocess
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ASK_SECONDS = 20.0
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_LEFT = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", re.ASCII)
_UNLIMITED = frozenset(("UNLIMITED", "NOT_SET", "INVALID", "N/A"))


class Unknown(Exception):
    """The end of the Slurm job cannot be found out; why, in one line."""


def seconds_until(text: str, now: float) -> float | None:
    """Seconds from `now` (since 1970) to a time: `18:30`, the next such; or ISO 8601.

    Both are this host's local time unless a zone is given. None for a text that is neither.
    """
    here = datetime.fromtimestamp(now).astimezone()
    clock = _CLOCK.fullmatch(text)
    if clock:
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        there = here.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
        if there.astimezone() <= here:
            there += timedelta(days=1)  # the same hour of tomorrow, also when clocks are changed
        return (there.astimezone() - here).total_seconds()
    try:
        return (datetime.fromisoformat(text).astimezone() - here).total_seconds()
    except (ValueError, OverflowError):
        return None


def seconds_left_in_slurm(
    environment: Mapping[str, str], now: float, ask: Callable[[str], str] | None = None
) -> float | None:
    """Seconds that are left of the Slurm job that we run in; None outside of one, or without limit.

    Args:
        environment: ours.
        now: seconds since 1970, for SLURM_JOB_END_TIME, which newer Slurms set.
        ask: has a job id answered with lines of `<job id> <time left>`; asked once at most.

    Raises:
        Unknown: we are in one, and its end cannot be found out.
    """
    job = environment.get("SLURM_JOB_ID", "")
    if not job.isascii() or not job.isdigit():
        return None
    end = environment.get("SLURM_JOB_END_TIME", "")
    if end.isascii() and end.isdigit() and len(end) <= 12:
        return int(end) - now
    return _left_of(job, (ask or _ask_squeue)(job))


def _left_of(job: str, answer: str) -> float | None:
    # Of an array's first job Slurm tells about the whole array.
    for line in answer.splitlines():
        number, _, left = line.strip().partition(" ")
        if number == job:
            return _length(left.strip())
    raise Unknown(f"squeue knows no job {job}")


def _length(text: str) -> float | None:
    if text.upper() in _UNLIMITED:
        return None
    found = _LEFT.fullmatch(text)
    if found is None:
        raise Unknown(f"squeue tells {text[:40]!r} for the time that is left")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _ask_squeue(job: str) -> str:
    try:
        ran = subprocess.run(
            ["squeue", "--noheader", f"--jobs={job}", "--format=%A %L"],  # noqa: S607
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unknown(f"squeue gave no answer within {ASK_SECONDS:g} s") from None
    except OSError as error:
        raise Unknown(f"squeue: {error.strerror}") from None
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise Unknown(f"squeue: {said or f'exit status {ran.returncode}'}")
    return ran.stdout.decode(errors="replace")
