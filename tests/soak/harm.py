"""The one who does the harm: what, to whom and when comes from the seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from soak.team import Member, Team

OFFSETS = ("+1h", "-1h")
CHUNK = bytes(1 << 20)


class Harm:
    """Kills, stops, steps of clocks, full disks; never to the `spared`."""

    def __init__(
        self, team: Team, seed: int, lease_seconds: float, ballast: Path | None, spared: set[int]
    ) -> None:
        self._team, self._lease_seconds, self._ballast = team, lease_seconds, ballast
        self._chance = random.Random(seed)
        self._spared = spared
        self._asleep: list[tuple[float, Member]] = []
        self.done: Counter[str] = Counter()

    def one_more(self) -> None:
        """Wait a moment, do one harm, and wake those who have slept longer than their leases."""
        time.sleep(self._chance.uniform(0.2, 1.0))
        self.wake(time.monotonic())
        kinds = [self._kill, self._stop, self._step, self._jump, self._fill]
        self._chance.choices(kinds, [10, 5, 3, 3, 1])[0]()

    def wake(self, now: float) -> None:
        """Let those go on whose time has come; `inf` for all."""
        for due, member in list(self._asleep):
            if due <= now:
                self._asleep.remove((due, member))
                self._team.go_on(member)

    def _victims(self) -> list[Member]:
        return [m for m in self._team.members if m.process.pid not in self._spared]

    def _kill(self) -> None:
        self._replace(self._chance.choice(self._victims()))
        self.done["kills"] += 1

    def _replace(self, victim: Member, clock: str | None = None) -> None:
        self._asleep = [(due, member) for due, member in self._asleep if member is not victim]
        self._team.kill(victim)
        self._team.start(victim.role, victim.clock if clock is None else clock)

    def _stop(self) -> None:
        asleep = [member for _, member in self._asleep]
        awake = [member for member in self._victims() if member not in asleep]
        if len(awake) < 3:
            return
        victim = self._chance.choice(awake)
        self._team.stop(victim)
        seconds = self._lease_seconds * self._chance.uniform(1.2, 2.5)
        self._asleep.append((time.monotonic() + seconds, victim))
        self.done["stops"] += 1

    def _step(self) -> None:
        """A host goes down and comes up with its clock two hours away from where it was."""
        victim = self._with_wrong_clock()
        if victim is not None:
            self._replace(victim, OFFSETS[victim.clock == OFFSETS[0]])
            self.done["steps"] += 1

    def _jump(self) -> None:
        """The clock of a host that goes on working jumps by two hours."""
        victim = self._with_wrong_clock()
        if victim is not None:
            self._team.set_clock(victim, OFFSETS[victim.clock == OFFSETS[0]])
            self.done["jumps"] += 1

    def _with_wrong_clock(self) -> Member | None:
        wrong = [member for member in self._victims() if member.clock]
        return self._chance.choice(wrong) if wrong else None

    def _fill(self) -> None:
        if self._ballast is None:
            return
        try:
            with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
                for size in (len(CHUNK), 4096, 1):
                    with suppress(OSError):
                        while file.write(CHUNK[:size]):
                            pass
            time.sleep(self._chance.uniform(0.5, 1.5))
        finally:
            self._ballast.unlink(missing_ok=True)
        self.done["fills"] += 1
