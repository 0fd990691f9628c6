"""How long to wait between looks when no event can be counted on. Pure."""

from __future__ import annotations

FIRST_SECONDS = 0.02
GROWTH = 1.5
SAFETY_SECONDS = 5.0
"""Between looks where events do arrive: a wake-up is a hint, so its absence is none."""
LISTING_SHARE = 20.0
"""A listing that took t seconds is not repeated for 20 t: at most 5 % of the time goes into it."""


def poll_seconds(idle_polls: int, most: float, chance: float) -> float:
    """Pause before the next look: short after work, growing to `most` when idle.

    `chance` in [0, 1) takes up to a quarter off, so that many consumers do not poll in step.
    """
    grown = FIRST_SECONDS * GROWTH ** min(idle_polls, 40)
    return min(most, grown) * (1 - 0.25 * chance)


def relist_seconds(listing_seconds: float, usual: float) -> float:
    """How old a listing may grow before what arrived since is looked for."""
    return max(usual, LISTING_SHARE * listing_seconds)


def upkeep_seconds(lease_seconds: float, chance: float) -> float:
    """Between two passes of the embedded reaper: several in each lease, spread over the hosts."""
    return min(15.0, max(0.05, lease_seconds / 4)) * (1 - 0.25 * chance)
