"""How far it is: one line that changes on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time

_BAR_WIDTH = 30


class Progress:
    """Progress of one stretch of work: so many of `total`."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._on_terminal = sys.stdout.isatty()
        self._every_seconds = 0.1 if self._on_terminal else 5.0
        self._started = time.monotonic()
        self._next = self._started + self._every_seconds

    def at(self, count: int) -> None:
        """Show where it is, but not too often."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._every_seconds
            self._show(count)

    def over(self, count: int) -> float:
        """Show the end; returns the seconds it took."""
        self._show(count)
        if self._on_terminal:
            print()
        return time.monotonic() - self._started

    def note(self, text: str) -> None:
        """Something worth a line of its own."""
        print(f"\r\033[K{text}" if self._on_terminal else text, flush=True)

    def _show(self, count: int) -> None:
        seconds = max(time.monotonic() - self._started, 1e-9)
        line = f"{self._what}: {count} of {self._total}, {count / seconds:.0f}/s"
        if self._on_terminal:
            filled = _BAR_WIDTH * count // self._total
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            print(f"\r\033[K[{bar}] {line}", end="", flush=True)
        else:
            print(f"  {line}", flush=True)
