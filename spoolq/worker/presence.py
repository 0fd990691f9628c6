"""How a worker shows itself in the spool, and hears there that it is to stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from spoolq import __version__
from spoolq.rules import records
from spoolq.verbs import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from spoolq.verbs.context import OpenSpool
    from spoolq.worker.launch import Running
    from spoolq.worker.listener import Counts

BEAT_SECONDS = 10.0
_LOOK_SECONDS, _LOOK_SECONDS_NETWORK = 2.0, 5.0
_MOST_RUNNING, _MOST_COMMAND = 100, 200


class Presence:
    """A worker's heartbeat record in sys/workers/, and its stop file there.

    Args:
        trouble: hears, once in a row, that the file system refuses the record.
    """

    def __init__(self, spool: OpenSpool, slots: int, trouble: Callable[[str], None]) -> None:
        self._spool, self._slots, self._trouble = spool, slots, trouble
        self.worker = spool.token()
        self._since = records.to_iso(spool.clock.now())
        self._number = 0
        self._is_refused = False
        self.beat_at = self.look_at = 0.0

    def begin(self) -> None:
        """Clear away what workers left that died long ago."""
        try:
            workers.sweep_workers(self._spool)
        except OSError as error:
            self._trouble(f"records of workers cannot be swept: {error}")

    def beat(self, counts: Counts, running: Collection[Running], *, draining: bool) -> None:
        """Write the record, and remove the one before."""
        self.beat_at = time.monotonic() + BEAT_SECONDS
        values = self._values(counts, running, draining=draining)
        try:
            workers.tell(self._spool, self.worker, self._number + 1, values)
        except OSError as error:
            if not self._is_refused:
                self._trouble(f"this worker cannot be seen by others for now: {error}")
            self._is_refused = True
            return
        self._number += 1
        self._is_refused = False

    def stop_asked(self) -> bool | None:
        """None: no. False: take no more. True: stop what runs."""
        self.look_at = time.monotonic() + look_seconds(self._spool)
        try:
            return workers.stop_asked(self._spool, self.worker)
        except OSError:
            return None  # whatever is wrong, claims tell

    def leave(self) -> None:
        """Remove the record."""
        workers.leave(self._spool, self.worker, self._number)

    def _values(
        self, counts: Counts, running: Collection[Running], *, draining: bool
    ) -> dict[str, object]:
        return {
            "worker": self.worker,
            "host": self._spool.host,
            "pid": self._spool.pid(),
            "slots": self._slots,
            "since": self._since,
            "at": records.to_iso(self._spool.clock.fresh_now()),
            "every_seconds": BEAT_SECONDS,
            "draining": draining,
            "done": counts.done,
            "failed": counts.failed,
            "retried": counts.retried,
            "running_count": len(running),
            # A record has room for so many.
            "running": [_told(job) for job in list(running)[:_MOST_RUNNING]],
            "version": __version__,
        }


def look_seconds(spool: OpenSpool) -> float:
    """How often a worker looks for what others have left it: on a file server less often."""
    return _LOOK_SECONDS_NETWORK if spool.fs.is_network else _LOOK_SECONDS


def _told(running: Running) -> dict[str, object]:
    return {
        "id": running.job.id,
        "attempt": running.job.attempt,
        "lease": running.job.lease,
        "started_at": records.to_iso(running.started),
        "command": " ".join(running.argv)[:_MOST_COMMAND],
    }
