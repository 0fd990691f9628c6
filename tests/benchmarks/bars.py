"""What was aimed at, and whether the figures of results.json hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Figure = dict[str, Any]


class NotMeasured(Exception):
    """The figure that a bar needs is not there."""


class Found:
    """The figures, by what they are of."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._figures = figures

    def one(self, scenario: str, subject: str, durability: str = "off") -> Figure:
        """The figure of spoolq's own runs, not that beside peers."""
        wanted = (scenario, subject, durability)
        for figure in self._figures:
            if (figure["scenario"], figure["subject"], figure["durability"]) == wanted:
                return figure
        raise NotMeasured(f"{wanted}")

    def ratio(self, scenario: str, subject: str = "spoolq", durability: str = "off") -> float:
        """Over its floor."""
        ratio = self.one(scenario, subject, durability)["ratio"]
        if ratio is None:
            raise NotMeasured(scenario)
        return float(ratio)

    def median(self, scenario: str, subject: str = "spoolq", durability: str = "off") -> float:
        """In the unit of the scenario."""
        return float(self.one(scenario, subject, durability)["median"])

    def count(self, scenario: str, *names: str, subject: str = "spoolq") -> float:
        """The worst round's, summed."""
        counts = self.one(scenario, subject).get("counts", {})
        try:
            return float(sum(counts[name] for name in names))
        except KeyError as error:
            raise NotMeasured(scenario) from error

    def over(self, scenario: str, subject: str, other: str, durability: str = "off") -> float:
        """One median over another's."""
        return self.median(scenario, subject, durability) / self.median(scenario, other, durability)


@dataclass(frozen=True)
class Bar:
    """A line of the table: `what` is at most `limit` (or at least), as `value` computes it."""

    what: str
    limit: float
    unit: str
    value: Callable[[Found], float]
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value is on the right side."""
        return value >= self.limit if self.at_least else value <= self.limit

    def row(self, found: Found) -> tuple[str, str, str, str]:
        """What, aim, found, and whether it is held."""
        side = ">=" if self.at_least else "<="
        aim = f"{side} {self.limit:,g} {self.unit}".rstrip()
        try:
            value = self.value(found)
        except NotMeasured:
            return (self.what, aim, "not measured", "?")
        told = f"{number(value)} {self.unit}".rstrip()
        if self.holds(value):
            return (self.what, aim, told, "yes")
        return (self.what, aim, f"**{told}**", "**no**")


def number(value: float) -> str:
    """With three digits that count."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


_TAKE, _FIRST, _MEMORY = "get_job + done", "first claim", "memory of the first claim"

BARS: tuple[Bar, ...] = (
    Bar("publish, off", 1.2, "x floor", lambda f: f.ratio("publish")),
    Bar("publish, full", 1.15, "x floor", lambda f: f.ratio("publish", durability="full")),
    Bar(
        "publish_many(100), full, tasks a second",
        9,
        "x one by one",
        lambda f: f.over("publish_many", "spoolq, single", "spoolq, of 100", "full"),
        at_least=True,
    ),
    Bar("get_job + done, off", 1.2, "x floor", lambda f: f.ratio(_TAKE)),
    Bar("get_jobs(64) + done, off", 1.3, "x bare floor", lambda f: f.ratio("get_jobs(64) + done")),
    Bar(
        "4 consumers: lost renames",
        0.1,
        "a task",
        lambda f: f.count("4 consumers", "lost_renames"),
    ),
    Bar(
        "4 consumers: given twice, or never",
        0,
        "tasks",
        lambda f: f.count("4 consumers", "twice", "never"),
    ),
    Bar(
        "4 consumers: tasks a second",
        0.75,
        "x floor",
        lambda f: f.ratio("4 consumers"),
        at_least=True,
    ),
    Bar(
        "claim + done with 100,000 waiting",
        1.3,
        "x with 1,000",
        lambda f: f.over(_TAKE, "100000 waiting", "1000 waiting"),
    ),
    Bar(
        "claim + done with 1,000,000 waiting",
        1.5,
        "x with 1,000",
        lambda f: f.over(_TAKE, "1000000 waiting", "1000 waiting"),
    ),
    Bar(
        "first claim with 1,000,000 waiting", 2, "s", lambda f: f.median(_FIRST, "1000000 waiting")
    ),
    Bar(
        "first claim with 1,000,000 waiting: not the oldest",
        0,
        "times",
        lambda f: f.count(_FIRST, "out_of_order", subject="1000000 waiting"),
    ),
    Bar("memory of that", 150, "MiB", lambda f: f.median(_MEMORY, "1000000 waiting")),
    Bar(
        "memory of a first claim with 100,000 waiting",
        30,
        "MiB",
        lambda f: f.median(_MEMORY, "100000 waiting"),
    ),
    Bar("wake-up of get_job, p50", 1, "ms", lambda f: f.median("wake-up", "p50")),
    Bar("wake-up of get_job, p99", 20, "ms", lambda f: f.median("wake-up", "p99")),
    Bar("idle consumer", 0.1, "% CPU", lambda f: f.median("idle consumer")),
    Bar("`spoolq put` of one task", 3, "x `python -c pass`", lambda f: f.ratio("start-up", "put")),
    Bar(
        "`spoolq work -- true`, over subprocess.run",
        3,
        "ms",
        lambda f: f.median("a command `true`, over subprocess.run", "spoolq work (capture)"),
    ),
    Bar(
        "reap pass, 10,000 leased tasks in 200 sidecars, the first",
        50,
        "ms",
        lambda f: f.median("reap pass", "first"),
    ),
    Bar("reap pass, a later one", 50, "ms", lambda f: f.median("reap pass", "later")),
)
