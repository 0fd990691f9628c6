"""What time it is: the file server's time, and this host's monotonic time. The only place that asks.

Deadlines are times of the file server's clock. A host learns how far its monotonic clock is off
from stamps that the server puts on files the host creates anyway; two hosts whose wall clocks
are hours apart still agree on every deadline.
"""

from __future__ import annotations

import functools
import math
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq.disk.filesystem import FileSystem

GRAIN_SECONDS = 0.011
"""File systems stamp with the last clock tick: 4 ms usually, 10 ms with HZ=100."""
MAX_SAMPLE_AGE_SECONDS = 30.0
STAMP_LASTS_SECONDS = 0.05
"""On a local file system a stamp that was had quickly is as good as a new one for so long."""
QUICK_SECONDS = 0.001


# RACE: I5. CLOCK_MONOTONIC stands still while a machine is suspended; leases do not.
local_seconds: Callable[[], float] = (
    functools.partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)
"""Monotonic seconds of this host, those it slept through included where the system tells."""


def host_ahead_seconds(clock: ServerClock) -> float:
    """How far this host's wall clock is ahead of the file server's, in seconds."""
    clock.sample()
    return time.time() - clock.now()


class ServerClock:
    """The file server's time, as a lower bound that is at most a tick and a round trip behind.

    A stamp S that the server made between the local times b (before) and a (after) says that the
    server is at least S - a and at most S + grain - b ahead of the local clock. The largest lower
    bound seen is kept until a stamp contradicts it (the server's clock was set back, or drifted).
    """

    def __init__(
        self,
        fs: FileSystem,
        local: Callable[[], float] = local_seconds,
        *,
        stamps_last_seconds: float = 0.0,
    ) -> None:
        self._fs = fs
        self.local = local
        self._stamps_last_seconds = stamps_last_seconds
        self.known_until = -math.inf
        """Until when, in local seconds, no new stamp is needed: `now` is right to a tick."""
        self._offset: float | None = None
        self._sampled_at = 0.0

    def observe(self, before: float, stamp: float, after: float) -> None:
        """Learn from a file that the server stamped between two local times."""
        lowest, offset = stamp - after, self._offset
        if offset is None or lowest > offset or stamp + GRAIN_SECONDS - before < offset:
            self._offset = lowest
        self._sampled_at = after
        if after - before < QUICK_SECONDS:
            self.known_until = after + self._stamps_last_seconds

    def now(self) -> float:
        """Server time in seconds since 1970. Makes a scratch file when nothing was learnt yet."""
        if self._offset is None:
            self.sample()
        return self.local() + (self._offset or 0.0)

    def fresh_now(self, max_age: float = MAX_SAMPLE_AGE_SECONDS) -> float:
        """As `now`, from a sample not older than `max_age` seconds."""
        if self._offset is None or self.local() - self._sampled_at > max_age:
            self.sample()
        return self.now()

    def estimate(self) -> float:
        """As `fresh_now`, but where no file can be made (read-only, full) this host's own clock.

        For telling ages and reading records only: nothing is moved by it.
        """
        try:
            return self.fresh_now()
        except OSError:
            return time.time() if self._offset is None else self.now()

    def sample(self) -> None:
        """Ask the server by creating and removing a scratch file."""
        name = f"sys/tmp/clock-{os.getpid()}-{os.urandom(8).hex()}"
        before = self.local()
        handle, stamp = self._fs.create(name)
        after = self.local()
        try:
            self._fs.close(handle)
        except OSError as error:
            error.filename = error.filename or name
            raise
        finally:
            try:
                self._fs.unlink(name)
            except FileNotFoundError:
                pass  # NFS: it was done, and the reply was lost
        self.observe(before, stamp, after)
