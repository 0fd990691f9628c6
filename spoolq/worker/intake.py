"""Where the worker's jobs come from: taken at once when there are some, else waited for by a thread.

The thread is blocked in `get_jobs`, so that an idle worker costs what an idle consumer costs and
wakes as fast, while the loop still hears signals and the ends of commands.
"""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from spoolq.errors import Closed

if TYPE_CHECKING:
    from spoolq.holding.job import Job
    from spoolq.queue import Spool
    from spoolq.worker.wake import Wake


_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 15.0


class Intake:
    """Takes jobs; all methods are for the loop's thread.

    Attributes:
        is_waiting: the thread waits for jobs.
        take_at: no job is to be taken before (monotonic seconds), after something went wrong.
    """

    def __init__(self, spool: Spool, wake: Wake) -> None:
        self._spool, self._wake = spool, wake
        self._wanted: SimpleQueue[int] = SimpleQueue()
        self._came: SimpleQueue[list[Job] | Exception] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.is_waiting = False
        self.take_at = 0.0
        self._pause = _FIRST_PAUSE_SECONDS

    def take(self, limit: int) -> list[Job]:
        """Up to `limit` jobs under one lease, without waiting.

        Raises:
            SpoolqError: the file system refused.
        """
        return self._spool.get_jobs(limit, 0)

    def wait(self, limit: int) -> None:
        """Have the thread wait for up to `limit` jobs; rings when they, or an error, have come."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="spoolq-intake", daemon=True)
            self._thread.start()
        self.is_waiting = True
        self._wanted.put(limit)

    def arrived(self) -> list[Job]:
        """What the thread has taken; [] while it waits.

        Raises:
            SpoolqError: the file system refused.
            Exception: whatever else went wrong.
        """
        if self._came.empty():
            return []
        self.is_waiting = False
        found = self._came.get()
        if isinstance(found, Exception):
            raise found
        return found

    def hold_off(self) -> bool:
        """Something went wrong with taking or starting: take nothing for a while, longer each time.

        Returns whether it was the first time in a row.
        """
        self.take_at = time.monotonic() + self._pause
        is_first = self._pause == _FIRST_PAUSE_SECONDS
        self._pause = min(_LONGEST_PAUSE_SECONDS, 2 * self._pause)
        return is_first

    def went_well(self) -> None:
        """A job was taken and its command started."""
        self._pause = _FIRST_PAUSE_SECONDS

    def close(self) -> None:
        """Take no more. What the thread has taken meanwhile still arrives, and must be released."""
        self._spool.close()
        if self._thread is not None:
            self._wanted.put(0)

    def _serve(self) -> None:
        while limit := self._wanted.get():
            try:
                self._came.put(self._spool.get_jobs(limit))
            except Closed:
                self._came.put([])
            except Exception as error:
                self._came.put(error)
            self._wake.ring()
