"""When a worker takes no more, and when it stops what runs. From times handed in, never a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spoolq.worker.options import WorkOptions

ENDING_SECONDS = 3.0
"""Kept for ending jobs and leaving, after the last command has been killed."""

ANNOUNCED_SECONDS = 120.0
"""A signal that comes so shortly before a known end announces that end, as batch systems do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The times that matter, all monotonic seconds.

    Attributes:
        take_until: no task is taken any more from then on.
        stop_at: what still runs gets TERM then.
    """

    take_until: float = float("inf")
    stop_at: float = float("inf")


def limits_of(options: WorkOptions) -> Limits:
    """The times at which a worker with these options has to act.

    TERM comes a grace period and some before the end. A task that needs `min_seconds` is started
    only if it can end before that.
    """
    if options.stop_by is None:
        return Limits()
    stop_at = options.stop_by - options.grace_seconds - ENDING_SECONDS
    return Limits(stop_at - options.min_seconds, stop_at)


def stop_after_signal(drain_seconds: float | None, stop_at: float, now: float) -> float:
    """When what runs is to be stopped, once the first polite signal has come."""
    if drain_seconds is None or stop_at - now <= ANNOUNCED_SECONDS:
        return stop_at
    return min(stop_at, now + drain_seconds)
