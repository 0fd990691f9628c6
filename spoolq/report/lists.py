"""The lists of a report: slowest attempts, most retried jobs, failures by their reason. Pure."""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq.report.gather import Row

FAILURES = ("failed", "gave_up", "expired")
MOST_GROUPS = 2000
REST = "(other reasons)"
_VARIABLE = re.compile(
    r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b[0-9a-fA-F]{16,}\b"
    r"|(?<!\d)(?<!status )(?<!signal )\d+(?:\.\d+)?"
)


def slowest(rows: Iterable[Row], most: int) -> list[Row]:
    """The attempts that took longest."""
    timed = (row for row in rows if row.taken_at is not None)
    return heapq.nlargest(most, timed, key=lambda row: row.ended_at - (row.taken_at or 0.0))


def most_retried(rows: Iterable[Row], most: int) -> list[Row]:
    """The last attempts of the jobs that needed most of them; none that needed one."""
    last: dict[str, Row] = {}
    for row in rows:
        if row.attempt > 1 and row.attempt >= last.get(row.id, row).attempt:
            last[row.id] = row
    return heapq.nlargest(most, last.values(), key=lambda row: (row.attempt, row.ended_at))


def kind_of(reason: str | None) -> str:
    """A reason with what differs from job to job left out: numbers, addresses, long hex words.

    The number of an exit status or signal stays: it is the reason.
    """
    if not reason or not reason.strip():
        return "(no reason given)"
    first = reason.strip().splitlines()[0][:160]
    return _VARIABLE.sub("#", first)


def failures(rows: Iterable[Row], most: int) -> list[tuple[str, list[Row]]]:
    """Failed attempts by kind of reason, the most frequent first; the rest together at the end."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.outcome not in FAILURES:
            continue
        kind = kind_of(row.reason)
        if kind not in groups and len(groups) >= MOST_GROUPS:
            kind = REST
        groups.setdefault(kind, []).append(row)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    shown, rest = ordered[:most], ordered[most:]
    if rest:
        shown.append((REST, [row for _, members in rest for row in members]))
    return shown
