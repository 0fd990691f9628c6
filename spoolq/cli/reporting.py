"""What `spoolq work` tells: failures and trouble as lines, progress on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.cli import output
from spoolq.worker.endings import Outcome
from spoolq.worker.listener import Counts, Listener

if TYPE_CHECKING:
    from spoolq.queue import Spool
    from spoolq.worker.options import WorkOptions


class Reporter(Listener):
    """Writes to standard error."""

    def __init__(self, spool: Spool, options: WorkOptions) -> None:
        self._spool, self._options = spool, options

    def beat(self, counts: Counts, *, draining: bool) -> None:
        """Nothing yet."""

    def ended(self, job_id: str, attempt: int, outcome: Outcome, reason: str) -> None:
        """Tell of what did not end well."""
        if outcome not in {Outcome.DONE, Outcome.RELEASED}:
            output.say(f"job {job_id}, attempt {attempt}: {reason}; {outcome.value}")

    def trouble(self, text: str) -> None:
        """One line."""
        output.say(text)
