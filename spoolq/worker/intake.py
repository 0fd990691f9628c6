"""Where the worker's jobs come from: taken at once when there are some, else waited for by a thread.

The thread is blocked in `get_jobs`, so that an idle worker costs what an idle consumer costs and
wakes as fast, while the loop still hears signals and the ends of commands.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from spoolq.errors import Closed, SpoolqError

if TYPE_CHECKING:
    from spoolq.holding.job import Job
    from spoolq.queue import Spool
    from spoolq.worker.wake import Wake


class Intake:
    """Takes jobs; all methods are for the loop's thread."""

    def __init__(self, spool: Spool, wake: Wake) -> None:
        self._spool, self._wake = spool, wake
        self._wanted: SimpleQueue[int] = SimpleQueue()
        self._came: SimpleQueue[list[Job] | SpoolqError] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.is_waiting = False

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
        """
        if self._came.empty():
            return []
        self.is_waiting = False
        found = self._came.get()
        if isinstance(found, SpoolqError):
            raise found
        return found

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
            except SpoolqError as error:
                self._came.put(error)
            self._wake.ring()
