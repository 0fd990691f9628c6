"""Thresholds for monitoring, as Nagios plugins have them: figures, limits, states. No I/O.

Each figure of an overview has a name; a limit is the largest good value, or the smallest where
less is worse (workers, disk, inodes).
"""

from __future__ import annotations

from dataclasses import dataclass

from spoolq.rules import health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from spoolq.rules.overview import Overview

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number to watch: its unit as Nagios writes it, and whether less is worse."""

    unit: str = ""
    less_is_worse: bool = False

    @property
    def is_time(self) -> bool:
        """Whether it is a length of time in seconds."""
        return self.unit == "s"

    def is_bad(self, value: float, limit: float) -> bool:
        """Whether a value is beyond a limit."""
        return value < limit if self.less_is_worse else value > limit


FIGURES: dict[str, Figure] = {
    "ready": Figure(),
    "leased": Figure(),
    "delayed": Figure(),
    "done": Figure(),
    "failed": Figure(),
    "oldest": Figure("s"),
    "lease": Figure("s"),
    "expired": Figure(),
    "overdue": Figure(),
    "failing": Figure(),
    "troubles": Figure(),
    "workers": Figure(less_is_worse=True),
    "disk": Figure("%", less_is_worse=True),
    "inodes": Figure("%", less_is_worse=True),
    "clock": Figure("s"),
}
"""Every figure, in the order of the performance data."""

MEANINGS = {
    "ready": "jobs waiting",
    "leased": "jobs being worked on",
    "delayed": "jobs that are not due yet",
    "done": "ended jobs that are kept",
    "failed": "failed jobs that are kept",
    "oldest": "age of the oldest waiting job",
    "lease": "age of the oldest lease",
    "expired": "leases past their deadline",
    "overdue": "delayed jobs whose time has come",
    "failing": "jobs that failed in the last minutes",
    "troubles": "attempts that failed or expired in the last minutes",
    "workers": "workers alive",
    "disk": "free percent of the bytes",
    "inodes": "free percent of the inodes",
    "clock": "how far this host's clock is off",
}


def figures(seen: Overview) -> dict[str, float]:
    """The value of each figure; those that cannot be told are left out."""
    room, clock = seen.room, seen.clock_offset_seconds
    values: dict[str, float | None] = {
        **seen.counts,
        "oldest": seen.oldest_ready_seconds or 0.0,
        "lease": seen.leases.oldest_seconds or 0.0,
        "expired": seen.leases.expired,
        "overdue": seen.overdue,
        "failing": seen.recent.failed,
        "troubles": seen.recent.troubles,
        "workers": len(seen.alive),
        "disk": None if room is None else 100 * room.free_share,
        "inodes": None if room is None or not room.inodes else 100 * room.free_inode_share,
        "clock": None if clock is None else abs(clock),
    }
    return {name: values[name] or 0 for name in FIGURES if values[name] is not None}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state (an exit status) and what led to it, one text each, the worst first."""

    state: int
    reasons: list[str]


def judge(seen: Overview, warning: Mapping[str, float], critical: Mapping[str, float]) -> Verdict:
    """Compare an overview with limits; findings of `health` count as well.

    A limit on a figure that cannot be told makes the verdict UNKNOWN unless something is bad.
    """
    values = figures(seen)
    told: list[tuple[int, str]] = []
    for name, figure in FIGURES.items():
        for state, limits in ((CRITICAL, critical), (WARNING, warning)):
            if name not in limits:
                continue
            if name not in values:
                told.append((UNKNOWN, f"{name}: not to be told here"))
            elif figure.is_bad(values[name], limits[name]):
                told.append((state, _beyond(name, figure, values[name], limits[name])))
            else:
                continue
            break
    for finding in health.needs_a_look(seen):
        state = CRITICAL if finding.level == health.CRITICAL else WARNING
        told.append((state, finding.what))
    if seen.paused is not None:
        told.append((WARNING, "paused" + (f": {seen.paused.reason}" if seen.paused.reason else "")))
    order = (CRITICAL, WARNING, UNKNOWN)
    told.sort(key=lambda reason: order.index(reason[0]))
    return Verdict(told[0][0] if told else OK, [text for _, text in told])


def _beyond(name: str, figure: Figure, value: float, limit: float) -> str:
    way = "below" if figure.less_is_worse else "above"
    return f"{MEANINGS[name]}: {value:g}{figure.unit} is {way} {limit:g}{figure.unit}"


def performance(seen: Overview, warning: Mapping[str, float], critical: Mapping[str, float]) -> str:
    """Performance data: `name=value[unit];warn;crit;min` for each figure that can be told."""
    parts = []
    for name, value in figures(seen).items():
        figure = FIGURES[name]
        limits = [_range(figure, given.get(name)) for given in (warning, critical)]
        parts.append(f"{name}={_number(value)}{figure.unit};{limits[0]};{limits[1]};0")
    return " ".join(parts)


def _range(figure: Figure, limit: float | None) -> str:
    if limit is None:
        return ""
    # A range with a colon alerts below its start.
    return f"{_number(limit)}:" if figure.less_is_worse else _number(limit)


def _number(value: float) -> str:
    return f"{round(value, 3):.3f}".rstrip("0").rstrip(".")
