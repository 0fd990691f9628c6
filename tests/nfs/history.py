"""Judging what happened: the lines of nfs.load from all guests, against what spoolq promises.

All times are the host processor's counter, the same for every guest (nfs.tsc). Lines of a guest that
was killed may end anywhere: what it did after its last line is unknown, and nothing is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spoolq.rules.leases import margin_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(slots=True)
class Hold:
    """One delivery of a job: from its grant until it was given up, or could not be trusted."""

    process: str
    lease: str
    attempt: int
    granted_at: float
    """Not later than this did the claim begin."""
    handed_at: float
    trusted_until: float
    leases: set[str] = field(default_factory=set)
    ending_at: float | None = None
    how: str | None = None
    ended_at: float | None = None

    @property
    def live_until(self) -> float:
        """Until when its holder acted as one."""
        return (
            self.trusted_until
            if self.ending_at is None
            else min(self.trusted_until, self.ending_at)
        )


@dataclass(slots=True)
class Life:
    """What is known of one job."""

    published: bool = False
    holds: list[Hold] = field(default_factory=list)
    done_at: float | None = None
    cancelled_at: float | None = None
    cancelled_untaken: bool = False


class History:
    """All processes' lines, put together by job."""

    def __init__(self, processes: Mapping[str, Sequence[str]], ticks_per_second: float) -> None:
        self.lives: dict[str, Life] = {}
        self.counts: dict[str, int] = {}
        self.trouble: list[str] = []
        for process, lines in processes.items():
            for line in lines:
                self._read(process, line, ticks_per_second)

    def _read(self, process: str, line: str, ticks_per_second: float) -> None:
        words = line.split()
        if len(words) < 2 or not words[0].isdigit():
            self.trouble.append(f"{process}: {line}")
            return
        at, verb, rest = int(words[0]) / ticks_per_second, words[1], words[2:]
        self.counts[verb] = self.counts.get(verb, 0) + 1
        if rest and hasattr(self, f"_{verb}"):
            life = self.lives.setdefault(rest[0], Life())
            getattr(self, f"_{verb}")(life, process, at, *rest[1:])

    # ----- the verbs of nfs.load

    def _published(self, life: Life, _process: str, _at: float) -> None:
        life.published = True

    def _cancelled(self, life: Life, _process: str, at: float, outcome: str, attempt: str) -> None:
        if outcome == "cancelled":
            life.cancelled_at = at
            life.cancelled_untaken = attempt == "0"

    def _took(
        self, life: Life, process: str, at: float, lease: str, left: str, term: str, attempt: str
    ) -> None:
        trusted_until = at + float(left)
        granted_at = trusted_until - float(term) + margin_seconds(float(term))
        hold = Hold(process, lease, int(attempt), granted_at, at, trusted_until, {lease})
        life.holds.append(hold)

    def _renewed(
        self, life: Life, process: str, at: float, lease: str, left: str, _term: str
    ) -> None:
        hold = next(hold for hold in reversed(life.holds) if hold.process == process)
        hold.leases.add(lease)
        hold.trusted_until = at + float(left)

    def _ending(self, life: Life, _process: str, at: float, lease: str, how: str) -> None:
        hold = _of_lease(life, lease)
        hold.ending_at, hold.how = at, how

    def _ended(self, life: Life, _process: str, at: float, lease: str, how: str) -> None:
        _of_lease(life, lease).ended_at = at
        if how == "done":
            life.done_at = at if life.done_at is None else min(at, life.done_at)

    # ----- the judgement

    def violations(self, ended: Iterable[str]) -> Iterator[str]:
        """Each promise that was not kept. `ended`: ids in done/ when all was over."""
        kept = set(ended)
        yield from self.trouble
        for job_id, life in self.lives.items():
            for what in _judge(life, in_done=job_id in kept):
                yield f"{job_id}: {what}"

    @property
    def published(self) -> int:
        """How many publishes were acknowledged."""
        return sum(life.published for life in self.lives.values())

    @property
    def redelivered(self) -> int:
        """How many jobs were delivered more than once."""
        return sum(len(life.holds) > 1 for life in self.lives.values())


def _of_lease(life: Life, lease: str) -> Hold:
    return next(hold for hold in life.holds if lease in hold.leases)


def _judge(life: Life, *, in_done: bool) -> Iterator[str]:
    finished = in_done or life.done_at is not None or life.cancelled_at is not None
    if life.published and not finished:
        yield "published, and never finished"
    if life.cancelled_untaken and (taken := [h for h in life.holds if h.how != "released"]):
        yield f"cancelled before it was taken, and delivered to {taken[0].process}"
    holds = sorted(life.holds, key=lambda hold: hold.granted_at)
    for hold in holds:
        if life.done_at is not None and hold.granted_at > life.done_at:
            yield f"delivered to {hold.process} after its done had returned"
        if life.cancelled_at is not None and hold.granted_at > life.cancelled_at:
            yield f"delivered to {hold.process} after it was cancelled"
    for position, first in enumerate(holds):
        for later in holds[position + 1 :]:
            yield from _judge_pair(first, later)


def _judge_pair(first: Hold, later: Hold) -> Iterator[str]:
    who = f"{first.process} (attempt {first.attempt}) and {later.process} ({later.attempt})"
    if max(first.handed_at, later.handed_at) < min(first.live_until, later.live_until):
        yield f"two live holders: {who}"
    # A released attempt does not count, and its number is given out again.
    grows = later.attempt > first.attempt or (
        first.how == "released" and later.attempt == first.attempt
    )
    if first.handed_at < later.granted_at and not grows:
        yield f"the attempt's number did not grow: {who}"
