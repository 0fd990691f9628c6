"""A doorbell that threads wait at: counts its rings, so that none is missed in between."""

from __future__ import annotations

import threading


class Doorbell:
    """Rung from any thread (events, close); a wait ends at once if it rang since it was looked at."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.rings = 0

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self.rings += 1
            self._condition.notify_all()

    def wait(self, seen: int, seconds: float) -> bool:
        """Wait until it rang more than `seen` times, at most so long; whether it did.

        Signal handlers run meanwhile: Ctrl-C raises KeyboardInterrupt at once.
        """
        with self._condition:
            if self.rings == seen:
                self._condition.wait(seconds)
            return self.rings != seen
