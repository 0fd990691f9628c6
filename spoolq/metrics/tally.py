"""Counters and histograms that only grow: attempts of the journal, each counted once.

The journal itself is pruned, so its length would go down; a `Tally` goes on from where it was. It
is kept in memory by a process that listens, and by the file that was written last otherwise.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spoolq.rules import names
from spoolq.rules.journal import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq.rules.journal import Attempt

BOUNDS = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""Upper bounds of the histograms' buckets, in seconds."""
LATE_SECONDS = 5.0
"""An attempt is counted when it has been over for so long: its line is surely written by then."""


@dataclass(slots=True)
class Histogram:
    """Counts of values up to each bound (not cumulative; the last is for all above), and their sum."""

    counts: list[float] = field(default_factory=lambda: [0.0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        bucket = next((n for n, bound in enumerate(BOUNDS) if value <= bound), len(BOUNDS))
        self.counts[bucket] += 1
        self.total += value


@dataclass(slots=True)
class Tally:
    """What was counted up to `until` (server seconds): attempts by outcome, durations, waits."""

    until: float
    attempts: Counter[str] = field(default_factory=Counter)
    durations: dict[str, Histogram] = field(
        default_factory=lambda: {outcome: Histogram() for outcome in OUTCOMES}
    )
    waits: Histogram = field(default_factory=Histogram)

    def count(self, told: Iterable[Attempt], now: float) -> None:
        """Count the attempts that ended after `until` and long enough ago, and move `until` on."""
        until = max(self.until, now - LATE_SECONDS)
        for attempt in told:
            if self.until < attempt.ended_at <= until:
                self._count(attempt)
        self.until = until

    def _count(self, attempt: Attempt) -> None:
        self.attempts[attempt.outcome] += 1
        self.durations[attempt.outcome].observe(max(0.0, attempt.ended_at - attempt.taken_at))
        published = names.published_at(attempt.id)
        if attempt.attempt == 1 and published is not None:
            self.waits.observe(max(0.0, attempt.taken_at - published))
