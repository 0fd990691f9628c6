"""What a spool takes in: quotas, waiting for room, and a warning before the disk is full."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from spoolq.disk.room import room_of
from spoolq.errors import Closed, Full
from spoolq.later import Later
from spoolq.rules.quota import COUNTING_SHARE, Limits
from spoolq.rules.settings import checked_seconds

if TYPE_CHECKING:
    from spoolq.verbs import waiting_size
    from spoolq.verbs.context import OpenSpool
else:
    waiting_size = Later("spoolq.verbs.waiting_size")

_log = logging.getLogger("spoolq.intake")
ROOM_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.25


class Intake:
    """One per Spool and process. Publishing asks it first; without quotas that is free."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._local = spool.clock.local
        self._limits = Limits(spool.settings.max_waiting, spool.settings.max_bytes)
        self.is_limited = spool.settings.max_waiting > 0 or spool.settings.max_bytes > 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._good_until: float | None = None
        self._counted_at = self._cost = 0.0
        self._jobs = self._size = 0
        self._look_at_room_at = self._local() + ROOM_SECONDS

    def close(self) -> None:
        """Wake everybody who waits for room; they get Closed."""
        self._closing.set()

    def admit(self, jobs: int, size: int, timeout: float | None) -> None:
        """Let so many tasks of so many bytes in, waiting up to `timeout` seconds (None: for ever).

        Raises:
            Full: there was no room for them in that time, or there never can be.
            Closed: the Spool was closed meanwhile.
            InvalidSetting: a timeout that makes no sense.
            OSError: the file system refused to be counted.
        """
        if self._local() >= self._look_at_room_at:
            self._look_at_room()
        if timeout is not None:
            timeout = checked_seconds("timeout", timeout)
        if not self.is_limited:
            return
        never = self._limits.why_never(jobs, size)
        if never is not None:
            raise Full(self._spool.fs.root, never)
        give_up_at = None if timeout is None else self._local() + timeout
        while (why := self._why_full(jobs, size)) is not None:
            left = LOOK_AGAIN_SECONDS if give_up_at is None else give_up_at - self._local()
            if left <= 0:
                raise Full(self._spool.fs.root, why)
            if self._closing.wait(min(left, LOOK_AGAIN_SECONDS)):
                raise Closed("this Spool is closed")

    def _why_full(self, jobs: int, size: int) -> str | None:
        """None when there is room; it is taken then. Else what is in the way, by a recent count."""
        with self._lock:
            if self._good_until is None or self._local() >= self._good_until:
                self._count()
            why = self._limits.why_full(self._jobs + jobs, self._size + size)
            if why is not None and self._local() - self._counted_at >= COUNTING_SHARE * self._cost:
                self._count()  # others may have taken jobs since
                why = self._limits.why_full(self._jobs + jobs, self._size + size)
            if why is None:
                self._jobs += jobs
                self._size += size
            return why

    def _count(self) -> None:
        began = self._local()
        self._jobs, self._size = waiting_size.waiting(
            self._spool, with_sizes=self._limits.size_bytes > 0
        )
        self._counted_at = self._local()
        self._cost = self._counted_at - began
        good = self._limits.good_for_seconds(self._jobs, self._size, self._cost)
        self._good_until = self._counted_at + good

    def _look_at_room(self) -> None:
        """Warn while there is time: a full disk stops publishing for everybody."""
        self._look_at_room_at = self._local() + ROOM_SECONDS
        try:
            room = room_of(self._spool.fs.root)
        except OSError as error:
            _log.debug("room of %s: %s", self._spool.fs.root, error)
            return
        if room.is_low:
            _log.warning("%s: %s", self._spool.fs.root, room.told)
