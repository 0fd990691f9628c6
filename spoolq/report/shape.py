"""Many attempts as few numbers: time slices, classes of lengths, and a sparse table of counts. Pure.

The page filters by time, worker and outcome by adding up this table, so its size does not depend
on the number of jobs. Where it would grow too large, slices get wider and workers are put together.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spoolq.report.gather import Row

OUTCOMES = ("done", "failed", "gave_up", "expired", "released", "cancelled")
CLASSES_PER_DECADE = 8
SHORTEST_SECONDS = 0.001
CLASSES = 9 * CLASSES_PER_DECADE + 1
"""Class 0 is a millisecond and less, the last one a million seconds and more."""
MOST_SLICES = 240
MOST_CELLS = 24_000
DETAILS = ((40, 1), (40, 2), (40, 4), (24, 6), (24, 12), (12, 24), (6, 48))
"""(workers, slices that share their classes of lengths) from the finest to the coarsest."""
_WIDTHS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip
OTHERS = "other workers"


@dataclass(frozen=True, slots=True)
class Slices:
    """A span of time in slices of equal width, in seconds."""

    start: float
    width: float
    count: int

    def index(self, at: float) -> int:
        """The slice of a time; times outside belong to the first or last."""
        return min(self.count - 1, max(0, int((at - self.start) // self.width)))

    @property
    def end(self) -> float:
        """Where the last slice ends."""
        return self.start + self.width * self.count


def slices(first: float, last: float, most: int) -> Slices:
    """At most `most` slices of a width that people like, from `first` to `last`."""
    span = max(1.0, last - first)
    for width in _WIDTHS:
        start = math.floor(first / width) * width
        count = int((last - start) // width) + 1
        if count <= most:
            return Slices(start, width, count)
    width = math.ceil(span / most / 86400) * 86400
    start = math.floor(first / width) * width
    return Slices(start, width, int((last - start) // width) + 1)


def class_of(seconds: float) -> int:
    """The class of a length of time; each is a third wider than the one before."""
    if seconds <= SHORTEST_SECONDS:
        return 0
    place = math.log10(seconds / SHORTEST_SECONDS) * CLASSES_PER_DECADE
    return min(CLASSES - 1, 1 + int(place))


def owners(rows: Iterable[Row], also: Iterable[str], most: int) -> list[str]:
    """The workers with most attempts, at most `most`, and "other workers" when there are more."""
    found = Counter(row.owner for row in rows)
    found.update(also)
    if len(found) <= most:
        return sorted(found)
    return [*sorted(name for name, _ in found.most_common(most)), OTHERS]


@dataclass(slots=True)
class Table:
    """Sparse counts: by (slice, worker, outcome), and of lengths by class too.

    For lengths `fold` slices count as one, so that a day of many classes stays small.
    """

    slices: Slices
    owners: list[str]
    fold: int
    ended: Counter[tuple[int, ...]]
    lengths: Counter[tuple[int, ...]]
    waits: Counter[tuple[int, ...]]

    @property
    def cells(self) -> int:
        """How many numbers the table has."""
        return len(self.ended) + len(self.lengths) + len(self.waits)

    def values(self) -> dict[str, Any]:
        """As JSON: flat lists of the indices followed by the count."""
        return {
            "fold": self.fold,
            **self._lists(),
        }

    def _lists(self) -> dict[str, list[int]]:
        return {
            name: [number for key, count in counted.items() for number in (*key, count)]
            for name, counted in (
                ("ended", self.ended),
                ("lengths", self.lengths),
                ("waits", self.waits),
            )
        }


def table(
    rows: Sequence[Row],
    waited: Iterable[tuple[float, Row]],
    cut: Slices,
    known: list[str],
    fold: int,
) -> Table:
    """Count attempts by slice of their end, worker and outcome."""
    number = {name: position for position, name in enumerate(known)}
    others = len(known) - 1
    outcome = {name: position for position, name in enumerate(OUTCOMES)}
    ended: Counter[tuple[int, ...]] = Counter()
    lengths: Counter[tuple[int, ...]] = Counter()
    waits: Counter[tuple[int, ...]] = Counter()
    for row in rows:
        at, by, how = cut.index(row.ended_at), number.get(row.owner, others), outcome[row.outcome]
        ended[at, by, how] += 1
        if row.taken_at is not None:
            lengths[at // fold, by, how, class_of(row.ended_at - row.taken_at)] += 1
    for seconds, row in waited:
        at, by, how = cut.index(row.ended_at), number.get(row.owner, others), outcome[row.outcome]
        waits[at // fold, by, how, class_of(seconds)] += 1
    return Table(cut, known, fold, ended, lengths, waits)


def occupied(spans: Iterable[tuple[float, float]], cut: Slices) -> list[float]:
    """How many of the spans, on average, cover each slice. Constant work for each span."""
    whole = [0.0] * (cut.count + 1)
    part = [0.0] * cut.count
    for since, until in spans:
        first, last = max(since, cut.start), min(until, cut.end)
        if last <= first:
            continue
        a, b = cut.index(first), cut.index(last)
        if a == b:
            part[a] += last - first
            continue
        part[a] += cut.start + cut.width * (a + 1) - first
        part[b] += last - (cut.start + cut.width * b)
        whole[a + 1] += 1
        whole[b] -= 1
    covering, averages = 0.0, []
    for position in range(cut.count):
        covering += whole[position]
        averages.append(covering + part[position] / cut.width)
    return averages
