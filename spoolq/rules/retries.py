"""How long a failed job waits before its next attempt. Pure."""

from __future__ import annotations

JITTER = 0.1


def backoff_seconds(attempt: int, first: float, most: float, chance: float) -> float:
    """Exponential back-off after `attempt` attempts: `first`, doubled each time, at most `most`.

    `chance` in [0, 1) spreads the result by 10 % either way, so that jobs that failed together
    do not come back together.
    """
    doubled = min(most, first * 2.0 ** min(attempt - 1, 64))
    return doubled * (1 + JITTER * (2 * chance - 1))
