"""Counting a spool: one listing of each state directory, nothing read or looked up of a job.

A million names cost about a second and constant memory. Who looks again and again keeps a
`Census`: a directory that has not changed is not listed anew.
"""

from __future__ import annotations

from itertools import islice
from operator import itemgetter

from spoolq.rules import layout, names
from spoolq.rules.sampling import EvenSample
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq.verbs.context import OpenSpool

SAMPLE = 1000
MAX_LEASES = 1000
RELIST_COST = 10.0
"""A changing directory is listed again after this many times what listing it has cost."""
_SETTLED_SECONDS = 1.0
CHUNK = 4096
_PUBLISHED = itemgetter(slice(2, 23))


class Count:
    """What one listing of a state directory told."""

    def __init__(self) -> None:
        self.jobs = 0
        self.first = ""
        """ready: the earliest publish time; delayed: the earliest due time; as in names."""
        self.sample = EvenSample(SAMPLE)
        """done, failed: the names of tasks."""
        self.leases: dict[str, int] = {}
        """leased: lease -> how many tasks are under it, for at most MAX_LEASES leases."""
        self.more_leases = 0
        self.due = 0
        """delayed: jobs whose time had come when they were listed."""


class _Kept(NamedTuple):
    told: Count
    changed_at: float
    """The directory's change time before it was listed."""
    cost_seconds: float
    listed_at: float


class Census:
    """Counts of all states, remembered from look to look."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._kept: dict[str, _Kept] = {}

    def take(self, now: float) -> dict[str, Count]:
        """State -> count. `now` is server time, for what is due."""
        return {state: self._of(state, now) for state in layout.STATES}

    def _of(self, state: str, now: float) -> Count:
        fs, local = self._spool.fs, self._spool.clock.local
        fs.refresh(state)
        entry = fs.lstat(state)
        changed_at = entry.changed_at if entry is not None else 0.0
        kept, begun = self._kept.get(state), local()
        if kept is not None and self._is_good(kept, state, changed_at, begun):
            return kept.told
        count = count_state(self._spool, state, now)
        # RACE: a change within the tick of the stamp that we saw would go unnoticed.
        if now - changed_at < _SETTLED_SECONDS:
            changed_at = -1.0
        self._kept[state] = _Kept(count, changed_at, local() - begun, begun)
        return count

    @staticmethod
    def _is_good(kept: _Kept, state: str, changed_at: float, at: float) -> bool:
        if at - kept.listed_at < RELIST_COST * kept.cost_seconds:
            return True
        # What falls due does so without any change of the directory.
        return kept.changed_at == changed_at and state != layout.DELAYED


def count_state(spool: OpenSpool, state: str, now: float) -> Count:
    """Count one directory by listing it once."""
    listed = spool.fs.iterate(state)
    if state == layout.READY:
        return _ready(listed)
    if state == layout.LEASED:
        return _leased(listed)
    if state == layout.DELAYED:
        return _delayed(listed, names.format_time(now))
    return _ended(listed)


def _chunks(listed: Iterator[str], is_ours: Callable[[str], object]) -> Iterator[list[str]]:
    """The names that are ours, some thousand at a time: what loops in C takes half the time."""
    while chunk := list(islice(listed, CHUNK)):
        yield list(filter(is_ours, chunk))


def _ready(listed: Iterator[str]) -> Count:
    count = Count()
    for names_found in _chunks(listed, names.is_ready_name):
        count.jobs += len(names_found)
        if names_found:
            first = min(map(_PUBLISHED, names_found))
            count.first = min(count.first or first, first)
    return count


def _ended(listed: Iterator[str]) -> Count:
    count = Count()
    for names_found in _chunks(listed, names.is_ended_name):
        count.jobs += len(names_found)
        count.sample.extend(names_found)
    return count


def _delayed(listed: Iterator[str], due_by: str) -> Count:
    count, first = Count(), "~"
    for name in listed:
        if names.parse_delayed(name) is not None:
            count.jobs += 1
            due = name[: len(due_by)]
            first = min(first, due)
            count.due += due <= due_by
    count.first = first if count.jobs else ""
    return count


def _leased(listed: Iterator[str]) -> Count:
    count = Count()
    for name in listed:
        task = names.parse_leased(name)
        if task is None:
            continue
        count.jobs += 1
        if task.lease in count.leases:
            count.leases[task.lease] += 1
        elif len(count.leases) < MAX_LEASES:
            count.leases[task.lease] = 1
        else:
            # Beyond those that will be read each task counts as a lease of its own.
            count.more_leases += 1
    return count
