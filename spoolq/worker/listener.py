"""What a runner tells whoever started it: counts, ends, trouble. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spoolq.worker.endings import Outcome


@dataclass(slots=True)
class Counts:
    """Jobs of this worker so far, and those it is at.

    Attributes:
        started: commands that were started.
        done, failed: ended well, or for good in failed/.
        retried, released, lost: to be retried; given back without counting; taken from us.
        running: commands that run now.
    """

    started: int = 0
    done: int = 0
    failed: int = 0
    retried: int = 0
    released: int = 0
    lost: int = 0
    running: int = 0


class Listener:
    """Hears what a runner does, on the runner's thread; does nothing itself."""

    def ready(self) -> None:
        """The guard runs, and jobs will be taken from now on."""

    def beat(self, counts: Counts, *, draining: bool) -> None:
        """The loop is alive; called every second or two."""

    def draining(self, reason: str) -> None:
        """No more jobs are taken; what runs goes on."""

    def stopping(self, reason: str) -> None:
        """What runs is being stopped."""

    def ended(self, job_id: str, attempt: int, outcome: Outcome, reason: str) -> None:
        """A job has left this worker."""

    def trouble(self, text: str) -> None:
        """Something a person should know, in one line."""
