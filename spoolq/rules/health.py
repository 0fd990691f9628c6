"""What in an overview needs a look: findings, each with a level, and what to do. No I/O."""

from __future__ import annotations

from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.rules.overview import Overview

WARNING, CRITICAL = "warning", "critical"
PATIENCE_SECONDS = 60.0
"""Consumers take expired leases back, promote and claim within seconds; after this nobody does."""
CLOCK_TOLERANCE_SECONDS = 2.0
FAILING_SHARE = 0.05


class Finding(NamedTuple):
    """Something that needs a look: `name` for programs, what is the matter, and advice."""

    level: str
    name: str
    what: str
    advice: str


def needs_a_look(seen: Overview) -> list[Finding]:
    """Everything that somebody should look at, the worst first."""
    found = [
        *_nobody_takes(seen),
        *_room(seen),
        *_leases(seen),
        *_overdue(seen),
        *_workers(seen),
        *_failing(seen),
        *_clock(seen),
    ]
    return sorted(found, key=lambda finding: finding.level != CRITICAL)


def _nobody_takes(seen: Overview) -> Iterator[Finding]:
    waited = seen.oldest_ready_seconds or 0.0
    held = seen.leases.total - seen.leases.expired
    # Consumers that are no workers leave no heartbeat; a lease or an ended job tells of them.
    is_taken_from = seen.alive or held > 0 or seen.recent.done or seen.recent.failed
    if seen.counts["ready"] and waited > PATIENCE_SECONDS and not seen.paused and not is_taken_from:
        yield Finding(
            CRITICAL,
            "nobody takes",
            f"{_jobs(seen.counts['ready'])} wait and nobody takes them: no worker is alive, no "
            "lease is held",
            "start a worker: spoolq work",
        )


def _room(seen: Overview) -> Iterator[Finding]:
    room = seen.room
    if room is None or not (room.is_low or room.is_scarce):
        return
    yield Finding(
        CRITICAL if room.is_scarce else WARNING,
        "room",
        room.told,
        "spoolq prune removes ended jobs; else make room",
    )


def _leases(seen: Overview) -> Iterator[Finding]:
    leases = seen.leases
    if leases.expired and leases.overdue_seconds > PATIENCE_SECONDS:
        count = f"{leases.expired} lease{'s are' if leases.expired > 1 else ' is'}"
        yield Finding(
            WARNING,
            "expired leases",
            f"{count} past the deadline and not taken back",
            "no consumer is looking; spoolq reap takes them back",
        )
    if leases.unread:
        yield Finding(
            WARNING,
            "unreadable leases",
            f"{leases.unread} lease{'s have' if leases.unread > 1 else ' has'} no readable sidecar",
            "they get a full term from when a consumer notices; spoolq doctor tells more",
        )


def _overdue(seen: Overview) -> Iterator[Finding]:
    if seen.overdue and seen.overdue_seconds > PATIENCE_SECONDS:
        yield Finding(
            WARNING,
            "overdue",
            f"{_jobs(seen.overdue)} in delayed/ should have become ready",
            "no consumer is looking; spoolq reap promotes them",
        )


def _workers(seen: Overview) -> Iterator[Finding]:
    gone = [worker for worker in seen.workers if not worker.is_alive(seen.at)]
    if gone:
        hosts = ", ".join(sorted({worker.host for worker in gone})[:5])
        yield Finding(
            WARNING,
            "lost workers",
            f"{len(gone)} worker{'s' if len(gone) > 1 else ''} stopped without a word ({hosts})",
            "see to the host; their jobs go to others when the leases end",
        )


def _failing(seen: Overview) -> Iterator[Finding]:
    recent = seen.recent
    if recent.failed > FAILING_SHARE * (recent.done + recent.failed):
        about = "" if recent.is_exact else "about "
        yield Finding(
            WARNING,
            "failing",
            f"failed/ is growing: {about}{_jobs(recent.failed)} failed in the last "
            f"{recent.seconds / 60:g} minutes",
            "spoolq ls failed tells why; spoolq retry --failed runs them again",
        )


def _clock(seen: Overview) -> Iterator[Finding]:
    ahead = seen.clock_offset_seconds
    if ahead is not None and abs(ahead) > CLOCK_TOLERANCE_SECONDS:
        yield Finding(
            WARNING,
            "clock",
            f"this host's clock is {ahead:+.1f} s off the file server's",
            "spoolq goes by the server's clock; mend NTP for everybody else",
        )


def _jobs(count: int) -> str:
    return f"{count} job" + ("" if count == 1 else "s")
