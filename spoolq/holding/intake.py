"""What a spool takes in: its quotas if it has any, and a warning before the disk is full."""

from __future__ import annotations

from spoolq.later import Later, log_named
from spoolq.rules.settings import checked_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.disk import room
    from spoolq.holding import quota
    from spoolq.holding.quota import Quota
    from spoolq.verbs.context import OpenSpool
else:
    room, quota = Later("spoolq.disk.room"), Later("spoolq.holding.quota")

_log = log_named("spoolq.intake")
ROOM_SECONDS = 30.0


class Intake:
    """One per Spool and process. Publishing asks it first; without quotas that is free."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._local = spool.clock.local
        self.is_limited = spool.settings.max_waiting > 0 or spool.settings.max_bytes > 0
        self._quota: Quota | None = quota.Quota(spool) if self.is_limited else None
        self.look_at = self._local() + ROOM_SECONDS
        """When, in local seconds, publishing is to ask even where there are no quotas."""

    def close(self) -> None:
        """Wake everybody who waits for room; they get Closed."""
        if self._quota is not None:
            self._quota.close()

    def admit(self, jobs: int, size: int, timeout: float | None) -> None:
        """Let so many tasks of so many bytes in, waiting up to `timeout` seconds (None: for ever).

        Raises:
            Full: there was no room for them in that time, or there never can be.
            Closed: the Spool was closed meanwhile.
            InvalidSetting: a timeout that makes no sense.
            OSError: the file system refused to be counted.
        """
        if self._local() >= self.look_at:
            self._look_at_room()
        if timeout is not None and timeout != 0.0:
            timeout = checked_seconds("timeout", timeout)
        if self._quota is not None:
            self._quota.admit(jobs, size, timeout)

    def _look_at_room(self) -> None:
        """Warn while there is time: a full disk stops publishing for everybody."""
        self.look_at = self._local() + ROOM_SECONDS
        try:
            found = room.room_of(self._spool.fs.root)
        except OSError as error:
            _log.debug("room of %s: %s", self._spool.fs.root, error)
            return
        if found.is_low:
            _log.warning("%s: %s", self._spool.fs.root, found.told)
