"""Which waiting task to try next: known from one listing and from events, never listed per claim.

Strictly by priority, then age, as of the last look. Consumers that lose races step aside to a
place of their own, and return to the front within a second. No I/O.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from typing import TYPE_CHECKING

from spoolq.rules import names

if TYPE_CHECKING:
    from collections.abc import Iterable

RELIST_AFTER_LOSSES = 24
LOSSES_BEFORE_STEPPING_ASIDE = 1
FRONT_SECONDS = 1.0
WIDEST_STEP = 4096


class Candidates:
    """Sorted names of ready/ still to be tried, and those that arrived since."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._names: list[str] = []
        # Unvisited stretches of _names; the last one is being walked.
        self._stretches: list[tuple[int, int]] = []
        self._arrived: list[str] = []
        self._inbox: deque[str] = deque()
        self._foreign: set[str] = set()
        self._losses = 0
        self._lost_in_a_row = 0
        self._aside_since: float | None = None
        self._chance = chance or random.Random()  # noqa: S311

    def fill(self, listed: Iterable[str]) -> None:
        """Start over from a fresh listing of ready/; foreign names are left out."""
        ours = names.is_ready_name
        found = [name for name in listed if ours(name)]
        if self._foreign:
            self._foreign.intersection_update(found)
            found = [name for name in found if name not in self._foreign]
        found.sort()
        self._names = found
        self._stretches = [(0, len(found))] if found else []
        self._arrived = []
        self._losses = self._lost_in_a_row = 0
        self._aside_since = None

    def forget_arrivals(self) -> None:
        """Called right before a listing begins: what arrived until now will be in it."""
        self._inbox.clear()

    def arrive(self, name: str) -> None:
        """A name that an event told of. Safe from any thread, never blocks."""
        self._inbox.append(name)

    def next(self, now: float) -> str | None:
        """The name to try now, None when none is known. `now`: local seconds."""
        self._take_in()
        if self._aside_since is not None and now - self._aside_since >= FRONT_SECONDS:
            self._to_the_front()
        front = self._first_of_stretch()
        if front is not None and self._passed_higher_priority(front):
            self._to_the_front()
            front = self._first_of_stretch()
        if front is None and self._arrived:
            self._names, self._arrived = sorted(self._arrived), []
            self._stretches = [(0, len(self._names))]
            front = 0
        if front is None:
            return None
        if self._arrived and self._arrived[0] < self._names[front]:
            return heapq.heappop(self._arrived)
        self._stretches[-1] = (front + 1, self._stretches[-1][1])
        return self._names[front]

    def _take_in(self) -> None:
        while self._inbox:
            name = self._inbox.popleft()
            if names.is_ready_name(name) and name not in self._foreign:
                heapq.heappush(self._arrived, name)

    def _first_of_stretch(self) -> int | None:
        while self._stretches:
            start, stop = self._stretches[-1]
            if start < stop:
                return start
            self._stretches.pop()
        return None

    def _passed_higher_priority(self, front: int) -> bool:
        """Whether the walk has come to a lower priority than tasks that it stepped over have."""
        if len(self._stretches) == 1:
            return False
        passed = min(start for start, stop in self._stretches if start < stop)
        return self._names[passed][0] < self._names[front][0]

    def _to_the_front(self) -> None:
        self._stretches.sort(reverse=True)
        self._aside_since = None

    def put_back(self, name: str) -> None:
        """A name that was not tried after all."""
        self._inbox.append(name)

    def won(self) -> None:
        """The name tried last was taken by us."""
        self._lost_in_a_row = 0

    def lost(self, now: float) -> None:
        """The name tried last was taken by somebody else: after that, look elsewhere."""
        self._losses += 1
        self._lost_in_a_row += 1
        if self._lost_in_a_row > LOSSES_BEFORE_STEPPING_ASIDE and self._stretches:
            self._step_aside(now)

    def _step_aside(self, now: float) -> None:
        start, stop = self._stretches[-1]
        if stop - start < 2:
            return
        step = self._chance.randrange(1, min(WIDEST_STEP, stop - start))
        # Never past a task of a higher priority than the one stepped to.
        while step and self._names[start][0] != self._names[start + step][0]:
            step //= 2
        if step:
            self._stretches[-1:] = [(start, start + step), (start + step, stop)]
            self._aside_since = now if self._aside_since is None else self._aside_since

    def skip_foreign(self, name: str) -> None:
        """What stands under a name is not a task of ours: never try it again."""
        self._foreign.add(name)

    @property
    def worn_out(self) -> bool:
        """Whether so many names turned out to be gone that a new listing is cheaper."""
        return self._lost_in_a_row >= RELIST_AFTER_LOSSES
