"""Ending jobs as their commands ended, again and again where the file system refuses for now."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from spoolq.errors import LeaseLost, SpoolqError, StorageFull
from spoolq.rules import leases, retries
from spoolq.worker.exits import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq.holding.job import Job
    from spoolq.verbs.context import OpenSpool
    from spoolq.worker.exits import Verdict

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0
_REMEMBERED = 10_000


class Outcome(Enum):
    """What became of a job."""

    DONE = "done"
    FAILED = "failed"
    RETRIED = "to be retried"
    RELEASED = "given back"
    LOST = "lost"


@dataclass(slots=True)
class Ending:
    """A job that is to be ended, and how; `run` are the facts of its command, if one ran."""

    job: Job
    verdict: Verdict
    run: dict[str, Any] | None
    try_at: float = 0.0
    pause_seconds: float = _FIRST_PAUSE_SECONDS
    is_told: bool = False


class Endings:
    """Ends jobs, and keeps those whose end the file system refused so far.

    `told(job, outcome, verdict)` hears what became of each, `refused(job, error)` of the first
    refusal of an end.
    """

    def __init__(
        self,
        spool: OpenSpool,
        told: Callable[[Job, Outcome, Verdict], None],
        refused: Callable[[Job, SpoolqError], None],
    ) -> None:
        self._spool = spool
        self._told, self._refused = told, refused
        self._left: list[Ending] = []
        self._postponed: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def end(self, job: Job, verdict: Verdict, run: dict[str, Any] | None) -> None:
        """End a job now, or as soon as the file system lets us."""
        self._try(Ending(job, verdict, run))

    def next_at(self) -> float:
        """When `try_again` has something to do (monotonic seconds)."""
        return min((ending.try_at for ending in self._left), default=float("inf"))

    def try_again(self, *, give_up: bool = False) -> None:
        """Try those that are due; with `give_up` try all once more, and leave them to their leases."""
        now = time.monotonic()
        left, self._left = self._left, []
        for ending in left:
            if give_up or ending.try_at <= now:
                self._try(ending)
            else:
                self._left.append(ending)
        if give_up:
            self._left.clear()

    def _try(self, ending: Ending) -> None:
        try:
            outcome = self._apply(ending)
        except LeaseLost:
            outcome = Outcome.LOST
        except SpoolqError as error:
            self._keep(ending, error)
            return
        self._told(ending.job, outcome, ending.verdict)

    def _keep(self, ending: Ending, error: SpoolqError) -> None:
        if not ending.is_told:
            ending.is_told = True
            self._refused(ending.job, error)
        ending.try_at = time.monotonic() + ending.pause_seconds
        ending.pause_seconds = min(_LONGEST_PAUSE_SECONDS, 2 * ending.pause_seconds)
        self._left.append(ending)

    def _apply(self, ending: Ending) -> Outcome:
        job, verdict = ending.job, ending.verdict
        if verdict.action is Action.DONE:
            self._done(ending)
            self._postponed.pop(job.id, None)
            return Outcome.DONE
        if verdict.action is Action.RELEASE:
            job.release(reason=verdict.reason if ending.run else None)
            return Outcome.RELEASED
        if verdict.action is Action.POSTPONE:
            job.release(self._backoff(job), reason=verdict.reason)
            return Outcome.RELEASED
        again = verdict.action is Action.RETRY
        again = again and not leases.gives_up(job.attempt, job.max_attempts)
        job.fail(verdict.reason, retry=again, run=ending.run)
        return Outcome.RETRIED if again else Outcome.FAILED

    def _done(self, ending: Ending) -> None:
        try:
            ending.job.done(run=ending.run)
        except StorageFull:
            # The work is done, and a rename needs no room: better no record than doing it again.
            ending.job.done()

    def _backoff(self, job: Job) -> float:
        """Grows while a job is postponed here again and again; its attempts are not counted."""
        times = self._postponed.pop(job.id, 0) + 1
        self._postponed[job.id] = times
        if len(self._postponed) > _REMEMBERED:
            self._postponed.popitem(last=False)
        chosen = self._spool.settings
        return retries.backoff_seconds(
            times, chosen.retry_delay_seconds, chosen.retry_delay_max_seconds, self._spool.chance()
        )
