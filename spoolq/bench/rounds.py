"""Taking turns and telling medians: how every figure is made."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One subject of one scenario. Times in microseconds for one task unless `unit` says otherwise.

    Attributes:
        ratio: the median over the floor's of the same rounds; None where there is no floor.
        low, high: the fastest and the slowest round.
        cpu: processor time of one task, the median; None where it was not measured.
        note: what must be told beside it.
        counts: what was counted, the worst round's: `twice` and `never` (tasks given to two, and to
            nobody), `lost_renames` (of a task), `out_of_order`. Empty where nothing was counted.
    """

    scenario: str
    subject: str
    durability: str
    median: float
    low: float
    high: float
    ratio: float | None = None
    cpu: float | None = None
    unit: str = "us"
    note: str = ""
    counts: dict[str, float] = field(default_factory=dict)

    def remark(self) -> str:
        """The note and the counts, in words."""
        return ", ".join(filter(None, (self.note, told(self.counts))))

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def alternate(
    scenario: str,
    durability: str,
    subjects: Mapping[str, Callable[[int], object]],
    *,
    rounds: int,
    count: int,
    floor: str | None = "floor",
    restore: Callable[[str, int], object] | None = None,
) -> list[Figure]:
    """Let subjects do `count` tasks in turn, `rounds` times; a round before is not counted.

    `restore(name, count)` puts things back as they were after each turn, unmeasured.
    """
    walls: dict[str, list[float]] = {name: [] for name in subjects}
    cpus: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(rounds + 1):
        for name, act in subjects.items():
            began, busy = time.perf_counter(), time.process_time()
            act(count)
            wall, cpu = time.perf_counter() - began, time.process_time() - busy
            if turn:
                walls[name].append(wall / count * 1e6)
                cpus[name].append(cpu / count * 1e6)
            if restore is not None:
                restore(name, count)
    base = statistics.median(walls[floor]) if floor in walls else None
    return [
        of_times(scenario, name, durability, walls[name], base, statistics.median(cpus[name]))
        for name in subjects
    ]


def of_times(  # noqa: PLR0917 - a figure has as many parts
    scenario: str,
    subject: str,
    durability: str,
    times: Sequence[float],
    base: float | None = None,
    cpu: float | None = None,
    unit: str = "us",
    note: str = "",
    counts: dict[str, float] | None = None,
) -> Figure:
    """The figure of measured values, with its ratio to the floor's median."""
    median = statistics.median(times)
    ratio = median / base if base else None
    spread = (median, min(times), max(times))
    return Figure(scenario, subject, durability, *spread, ratio, cpu, unit, note, counts or {})


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def given(published: Iterable[bytes], taken: Iterable[bytes]) -> dict[str, float]:
    """How many tasks came `twice` (or had never been published), and how many `never`."""
    left = Counter(taken)
    left.subtract(Counter(published))
    return {"twice": sum((+left).values()), "never": sum((-left).values())}


def worst(counts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The highest of each count."""
    return {name: max(one[name] for one in counts) for name in counts[0]} if counts else {}


def told(counts: Mapping[str, float]) -> str:
    """Counts in words: `0 twice, 0 never, 0.04 lost renames a task`."""
    return ", ".join(f"{value:.3g} {_WORDS.get(name, name)}" for name, value in counts.items())


_WORDS = {"lost_renames": "lost renames a task", "out_of_order": "out of order"}
