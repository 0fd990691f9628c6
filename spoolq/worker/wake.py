"""Waking the worker's loop: from threads by a byte in a pipe, from signals by the same pipe."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY = 4096


class Wake:
    """Readable once rung, until cleared."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self.write_end, False)

    def fileno(self) -> int:
        """To be polled."""
        return self._read_end

    def ring(self) -> None:
        """From any thread; a full pipe is rung already."""
        with suppress(BlockingIOError):
            os.write(self.write_end, b"r")

    def clear(self) -> None:
        """Before looking at what the ringers left."""
        with suppress(BlockingIOError):
            while len(os.read(self._read_end, _MANY)) == _MANY:
                pass

    def close(self) -> None:
        """No more ringing."""
        os.close(self._read_end)
        os.close(self.write_end)


class Signals:
    """TERM, INT and HUP go to `heard(number)` while inside; what was ignored stays ignored.

    Main thread only. The loop is woken by `wake` whatever it waits in.
    """

    def __init__(self, wake: Wake, heard: Callable[[int], None]) -> None:
        self._wake, self._heard = wake, heard
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # RACE: a signal just before poll() runs no Python code before poll() returns; the byte
        # that the interpreter writes makes it return.
        self._old_descriptor = signal.set_wakeup_fd(self._wake.write_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:  # nohup
                self._before[number] = before
                signal.signal(number, lambda number, _: self._heard(number))
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._old_descriptor)
