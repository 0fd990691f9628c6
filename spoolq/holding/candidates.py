"""Which waiting task to try next: known from one listing and from events, never listed per claim.

Strictly by priority, then age, as of the last look. Consumers that lose races step aside to a
place of their own, and return to the front within a second. No I/O.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import deque
from itertools import islice

from spoolq.rules import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

RELIST_AFTER_LOSSES = 24
LOSSES_BEFORE_STEPPING_ASIDE = 1
FRONT_SECONDS = 1.0
WIDEST_STEP = 4096
MOST_KEPT = 2**17
"""Of a longer listing the first so many are kept (15 MB); the rest is looked at when these are done."""
CHUNK = 2**12
"""So few that a chunk stays in a processor's cache from one pass over it to the next."""
SAMPLED = 1024


class Candidates:
    """Sorted names of ready/ still to be tried, and those that arrived since."""

    def __init__(self, chance: random.Random | None = None, most_kept: int = MOST_KEPT) -> None:
        self._names: list[str] = []
        # The stretch of _names that is being walked, and those stepped over, unvisited.
        self._at = self._stop = 0
        self._passed: list[tuple[int, int]] = []
        # Where the listing was cut: of later names nothing is known, so they are not served.
        self._cut: str | None = None
        self._most_kept = most_kept
        self._arrived: list[str] = []
        self._inbox: deque[str] = deque()
        self._foreign: set[str] = set()
        self._lost_in_a_row = 0
        self._aside_since: float | None = None
        self._chance = chance
        self._names_are_listed = False
        self.is_listed = False
        """Whether the name given last came from a listing, which shows what kind of file it is."""

    def fill(self, listed: Iterable[str]) -> None:
        """Start over from a fresh listing of ready/; foreign names are left out."""
        foreign, most = self._foreign, self._most_kept
        seen_foreign: set[str] = set()
        found: list[str] = []
        cut: str | None = None
        rest = iter(listed)
        # In chunks and without a step of Python for each name: a million is listed in a second.
        while chunk := list(islice(rest, CHUNK)):
            if cut is not None:
                chunk = [name for name in chunk if name <= cut]
            if foreign:
                seen_foreign.update(foreign.intersection(chunk))
                chunk = [name for name in chunk if name not in foreign]
            found += names.ready_names(chunk)
            if len(found) > most + most // 2:
                cut = _about_the(most, found)
                found = [name for name in found if name <= cut]
        found.sort()
        if len(found) > most:
            del found[most:]
            cut = found[-1]
        self._foreign = seen_foreign
        self._names, self._cut = found, cut
        self._names_are_listed = True
        self._at, self._stop = 0, len(found)
        self._passed, self._arrived = [], []
        self._lost_in_a_row = 0
        self._aside_since = None

    def forget_arrivals(self) -> None:
        """Called right before a listing begins: what arrived until now will be in it."""
        self._inbox.clear()

    def arrive(self, name: str) -> None:
        """A name that an event told of. Safe from any thread, never blocks."""
        self._inbox.append(name)

    def next_few(self, now: float, most: int) -> list[str]:
        """Up to `most` names of the listing to try one after the other, or one that arrived.

        Give back those that were not tried (`untried`). `now`: local seconds.
        """
        if self._inbox:
            self._take_in()
        if self._passed:
            self._see_to_the_front(now)
        if self._at >= self._stop:
            if not self._arrived:
                return []
            self._names, self._arrived = sorted(self._arrived), []
            self._at, self._stop = 0, len(self._names)
            self._names_are_listed = False
        start = self._at
        end = start + (most if self._names_are_listed else 1)
        few = self._names[start : min(end, self._stop)]
        if self._arrived and self._arrived[0] < few[-1]:
            if self._arrived[0] < few[0]:
                self.is_listed = False
                return [heapq.heappop(self._arrived)]
            few = few[: bisect_left(few, self._arrived[0])]
        self.is_listed = self._names_are_listed
        self._at += len(few)
        return few

    def untried(self, names: list[str], now: float) -> None:
        """The last of those that `next_few` gave were not tried after all."""
        start = bisect_left(self._names, names[0])
        stop = start + len(names)
        if self._names[start:stop] != names:  # they had arrived, or were listed anew
            self._inbox.extend(names)
        elif stop == self._at:
            self._at = start
        else:  # another thread goes on behind them
            self._passed.append((start, stop))
            self._aside_since = now if self._aside_since is None else self._aside_since

    def has_more(self) -> bool:
        """Whether there are names to try. A hint: read without the lock."""
        return self._at < self._stop or bool(self._arrived or self._inbox or self._passed)

    def _take_in(self) -> None:
        while self._inbox:
            name = self._inbox.popleft()
            if self._cut is not None and name > self._cut:
                continue  # not before those that were cut off: the next listing shows it
            if names.is_ready_name(name) and name not in self._foreign:
                heapq.heappush(self._arrived, name)

    def _see_to_the_front(self, now: float) -> None:
        """Return to stretches that were stepped over, when it is time or nothing else is left."""
        if self._aside_since is not None and now - self._aside_since >= FRONT_SECONDS:
            self._to_the_front()
        if self._at >= self._stop:
            self._at, self._stop = self._passed.pop()
        # Not while tasks of a higher priority are in them.
        if self._passed:
            passed = min(self._passed)[0]
            if self._names[passed][0] < self._names[self._at][0]:
                self._to_the_front()

    def _to_the_front(self) -> None:
        if self._at < self._stop:
            self._passed.append((self._at, self._stop))
        self._passed.sort(reverse=True)
        self._at, self._stop = self._passed.pop()
        self._aside_since = None

    def won(self) -> None:
        """The name tried last was taken by us."""
        self._lost_in_a_row = 0

    def lost(self, now: float) -> None:
        """The name tried last was taken by somebody else: after that, look elsewhere."""
        self._lost_in_a_row += 1
        if self._lost_in_a_row > LOSSES_BEFORE_STEPPING_ASIDE:
            self._step_aside(now)

    def _step_aside(self, now: float) -> None:
        start, stop = self._at, self._stop
        if stop - start < 2:
            return
        if self._chance is None:
            import random  # noqa: PLC0415 - who never meets another consumer does without

            self._chance = random.Random()  # noqa: S311
        step = self._chance.randrange(1, min(WIDEST_STEP, stop - start))
        # Never past a task of a higher priority than the one stepped to.
        while step and self._names[start][0] != self._names[start + step][0]:
            step //= 2
        if step:
            self._passed.append((start, start + step))
            self._at = start + step
            self._aside_since = now if self._aside_since is None else self._aside_since

    def skip_foreign(self, name: str) -> None:
        """What stands under a name is not a task of ours: never try it again."""
        self._foreign.add(name)

    @property
    def worn_out(self) -> bool:
        """Whether so many names turned out to be gone that a new listing is cheaper."""
        return self._lost_in_a_row >= RELIST_AFTER_LOSSES


def _about_the(number: int, found: list[str]) -> str:
    """About the first so many of unsorted names end with this one; of few names, exactly.

    Sorting all of them each time would cost more than all else in a listing of a million.
    """
    sample = sorted(found[:: len(found) // SAMPLED + 1])
    return sample[max(0, number * len(sample) // len(found) - 1)]
