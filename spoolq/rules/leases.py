"""Arithmetic of leases: from times handed in, never from a clock."""

from __future__ import annotations

from spoolq.rules.settings import MAX_SECONDS

FUTURE_TOLERANCE_SECONDS = 10.0
"""How far ahead of the server's time a grant may seem to lie before it is taken for garbage."""


def margin_seconds(lease_seconds: float) -> float:
    """What a holder keeps back from its lease for clock grain and drift.

    Server time stamps lag by up to a tick (4 to 10 ms); clocks drift by well under 0.1 %.
    """
    return min(2.0, 0.01 + 0.03 * lease_seconds)


def trusted_until(started: float, lease_seconds: float) -> float:
    """Until when a holder may trust its lease, on the local clock that told `started`.

    `started` is read before the granting attempt began, so that a slow file system shortens the
    trust and never the deadline (as in River's leadership terms).
    """
    return started + lease_seconds - margin_seconds(lease_seconds)


def shared_until(started: float, lease_seconds: float) -> float:
    """Until when a lease may still be given to a further task, on the local clock of `started`.

    So short that nobody minds the difference to a lease of its own.
    """
    return started + min(0.05, lease_seconds / 1000)


def renew_after_seconds(lease_seconds: float) -> float:
    """How long after its grant a lease is renewed: early enough for two more tries."""
    return lease_seconds / 3


def is_consistent(granted_at: float, lease_seconds: float, deadline: float) -> bool:
    """Whether a sidecar's times agree with each other within a second and are of this world."""
    return 0 < lease_seconds <= MAX_SECONDS and abs(granted_at + lease_seconds - deadline) <= 1.0


def is_plausible(granted_at: float, now: float) -> bool:
    """Whether a grant lies in the past, as grants do; else its deadline might never come."""
    return granted_at <= now + FUTURE_TOLERANCE_SECONDS


def is_over(deadline: float, now: float) -> bool:
    """Whether a lease has ended. `now` must never be ahead of the server's time."""
    return now >= deadline


def gives_up(attempts: int, max_attempts: int) -> bool:
    """Whether the attempts counted so far use up a job's allowance (0: never)."""
    return 0 < max_attempts <= attempts
