"""What `spoolq work` tells on standard error: failures and trouble as lines, progress on a terminal.

Nothing here ever fails or stops the worker: a terminal may be full, hung up, or somebody else's.
"""

from __future__ import annotations

import os
import sys
import time

from spoolq.cli import output
from spoolq.cli.progress import Progress
from spoolq.rules import layout, names
from spoolq.worker.endings import Outcome
from spoolq.worker.listener import Counts, Listener
from spoolq.worker.options import INHERIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool
    from spoolq.worker.options import WorkOptions

_COUNT_SECONDS, _COUNT_SHARE = 2.0, 50
_CLEAR = "\r\x1b[K"


class Reporter(Listener):
    """Tells of what did not end well; on a terminal how it goes, too."""

    def __init__(self, spool: OpenSpool, options: WorkOptions) -> None:
        self._spool = spool
        self._shows = output.is_terminal(sys.stderr) and options.output != INHERIT
        self._progress = Progress()
        self._is_shown = False
        self._left, self._count_at, self._started_then = 0, 0.0, 0

    def beat(self, counts: Counts, *, draining: bool) -> None:
        """Draw the line anew."""
        if not (self._shows and _is_foreground()):
            return
        now = time.monotonic()
        self._count(now, counts)
        taken = counts.started - self._started_then
        left = max(0, self._left - taken)
        self._draw(self._progress.text(now, counts, left, draining=draining))

    def draining(self, reason: str) -> None:
        """On a terminal a person may wonder why it does not end at once."""
        if self._shows and _is_foreground():
            self._say(f"takes no more jobs: {reason}")

    def stopping(self, reason: str) -> None:
        """As `draining`."""
        if self._shows and _is_foreground():
            self._say(f"stops what runs: {reason}")

    def ended(self, job_id: str, attempt: int, outcome: Outcome, reason: str) -> None:
        """Tell of what did not end well."""
        if outcome not in {Outcome.DONE, Outcome.RELEASED}:
            self._say(f"job {job_id}, attempt {attempt}: {reason}; {outcome.value}")

    def trouble(self, text: str) -> None:
        """One line."""
        self._say(text)

    def close(self) -> None:
        """Leave the last line as it stands."""
        if self._is_shown:
            output.to_stderr("\n")
            self._is_shown = False

    def _say(self, text: str) -> None:
        if self._is_shown:
            output.to_stderr(_CLEAR)
            self._is_shown = False
        output.say(text)

    def _draw(self, text: str) -> None:
        try:
            columns = os.get_terminal_size(2).columns or 80  # it may have been resized
        except OSError:
            columns = 80
        output.to_stderr(_CLEAR + output.cut(text, columns - 1))
        self._is_shown = True

    def _count(self, now: float, counts: Counts) -> None:
        """Listing a million names takes a second, so it is done rarely then."""
        if now < self._count_at:
            return
        try:
            self._left = sum(
                names.is_ready_name(name) is not None
                for name in self._spool.fs.iterate(layout.READY)
            ) + sum(
                names.parse_delayed(name) is not None
                for name in self._spool.fs.iterate(layout.DELAYED)
            )
        except OSError:
            pass
        self._started_then = counts.started
        took = time.monotonic() - now
        self._count_at = now + max(_COUNT_SECONDS, _COUNT_SHARE * took)


def _is_foreground() -> bool:
    """Whether the terminal is ours to write to: in the background `stty tostop` would stop us."""
    try:
        return os.tcgetpgrp(2) == os.getpgrp()
    except OSError:
        return False
