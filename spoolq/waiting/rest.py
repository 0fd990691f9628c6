"""The rest that an observer takes before it reads events while nobody waits for them.

So one read takes a burst of arrivals. A read for each costs a busy consumer three times as much,
and every publisher the waking of a thread in each consumer of its host.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

REST_SECONDS = 0.002


class Rest:
    """Taken by an observer, cut short by who waits. No lock in it is ever held: a fork may copy it."""

    def __init__(self) -> None:
        self._waiting: set[object] = set()
        self._gate = threading.Lock()
        self._gate.acquire()  # released to end a rest

    @property
    def is_skipped(self) -> bool:
        """Whether somebody waits now."""
        return bool(self._waiting)

    def take(self) -> None:
        """Wait a moment, unless somebody waits for what would be read, or begins to."""
        if not self._waiting:
            self._gate.acquire(timeout=REST_SECONDS)

    def end(self) -> None:
        """Let the rest that is being taken end now, else the next one as it begins."""
        try:
            self._gate.release()
        except RuntimeError:
            pass  # nobody took a rest since the last time

    @contextmanager
    def skipped(self) -> Iterator[None]:
        """Somebody waits: no rest while inside."""
        who = object()
        self._waiting.add(who)  # RACE: before the gate opens, so that no later rest is missed
        self.end()
        try:
            yield
        finally:
            self._waiting.discard(who)
