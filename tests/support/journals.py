"""Spools with a past: journals as consumers would have left them, made in no time."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq.queue import internals
from spoolq.rules import journal, names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq import Spool
    from spoolq.rules.journal import Attempt

CHANCE = random.Random(20261125)


def some_id(published: float, priority: int = 5) -> str:
    """A job's id as `publish` would have made it then."""
    return names.format_id(priority, published, names.base32(CHANCE.randbytes(8)))


def server_now(spool: Spool) -> float:
    """The file server's time."""
    return internals(spool).clock.now()


def write_journal(spool: Spool, attempts: Iterable[Attempt]) -> None:
    """One file for each owner, of one process each."""
    room = Path(spool.path) / "sys" / "journal"
    room.mkdir(exist_ok=True)
    by_owner: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_owner.setdefault(attempt.owner, []).append(attempt)
    for number, (owner, told) in enumerate(by_owner.items()):
        told.sort(key=lambda attempt: attempt.ended_at)
        name = names.JournalName(told[0].ended_at, f"host-{number + 1}-{'A' * 10}")
        (room / str(name)).write_text(journal.first_line(owner) + journal.lines(told, owner))


def a_day(now: float, count: int, owners: list[str]) -> list[Attempt]:
    """Attempts spread over the last 20 hours: most done, some failed, a few for good."""
    told = []
    for number in range(count):
        taken = now - 72000 + 72000 * number / count
        published = taken - CHANCE.expovariate(1 / 20)
        seconds = min(CHANCE.lognormvariate(1, 1.2), max(0.001, now - taken))
        outcome = CHANCE.choices(["done", "failed", "gave_up", "expired"], [90, 7, 1, 2])[0]
        reason = None if outcome == "done" else f"ValueError: no page {number}"
        told.append(
            journal.Attempt(
                outcome,
                some_id(published),
                1 + (outcome != "done"),
                taken,
                taken + seconds,
                owners[number % len(owners)],
                reason,
            )
        )
    return told
