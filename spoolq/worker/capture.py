"""What commands print, through pipes into logs, by one thread for all commands of a worker.

Why pipes, not the log itself as the command's output: a full disk, a quota or a hung server would
fail the command's own writes, and a file handed out cannot be capped. The price, measured on two
slow cores: 0.1 to 0.4 ms for a command that prints nothing (no log is made then), 0.1 s for 100 MB.
Why a thread: a log on a slow file system must not hold up the worker's renewals and starts.

When a command and its group have ended, what is in the pipe is stored and the pipe closed, whoever
else still has it open: a daemon that the command left behind does not keep its job running, and
gets SIGPIPE when it writes on.
"""

from __future__ import annotations

import array
import fcntl
import os
import selectors
import termios
import threading
import time
from typing import TYPE_CHECKING

from spoolq.worker.logfile import DEFAULT_LIMIT, LogFile, Logged, close_quietly

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65536
_CHUNKS_IN_A_ROW = 16
_IDLE_SECONDS = 3600.0


class Capture:
    """One stream of one command.

    Attributes:
        write_end: what the command gets as its output; give it to `Commands.start`, then `started`.
    """

    def __init__(self, captures: Captures, log: LogFile) -> None:
        self._captures = captures
        self._log = log
        self._lock = threading.Lock()
        self._read_end: int | None
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._write_end: int | None = self.write_end
        captures._watch(self._read_end, self)

    def started(self) -> None:
        """The command has its end of the pipe: close ours, or the pipe would never end."""
        descriptor, self._write_end = self._write_end, None
        close_quietly(descriptor)

    def finish(self) -> Logged:
        """Store what is in the pipe by now and close all; once. Waits for nobody."""
        self.started()
        with self._lock:
            if self._read_end is not None:
                self._read(_waiting_bytes(self._read_end))
                self._close()
            return self._log.finish()

    def _pump(self) -> None:
        """Store what can be read, some of it if it is much; called by the thread."""
        with self._lock:
            if self._read_end is not None and not self._read(_CHUNK * _CHUNKS_IN_A_ROW):
                self._close()

    def _read(self, most: int) -> bool:
        """Up to about so many bytes; False when the stream has ended."""
        while most > 0 and self._read_end is not None:
            try:
                data = os.read(self._read_end, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._log.write(data)
            most -= len(data)
        return True

    def _close(self) -> None:
        descriptor, self._read_end = self._read_end, None
        if descriptor is not None:
            self._captures._forget(descriptor)
            close_quietly(descriptor)

    def _flush(self) -> None:
        with self._lock:
            self._log.flush()


class Captures:
    """The streams of all commands, and the thread that reads them. A context manager.

    Args:
        flush_seconds: make logs visible to other hosts so often; needed on NFS, costs disk writes
            elsewhere: None leaves it to the file system.
    """

    def __init__(self, *, flush_seconds: float | None = None) -> None:
        self._flush_seconds = flush_seconds
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._woken, self._waking = os.pipe()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._unflushed: set[Capture] = set()
        self._thread = threading.Thread(target=self._serve, name="spoolq-capture", daemon=True)
        self._thread.start()

    def __enter__(self) -> Captures:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(
        self,
        open_log: Callable[[], int],
        *,
        limit: int = DEFAULT_LIMIT,
        open_tail: Callable[[], int] | None = None,
    ) -> Capture:
        """A new stream, logged to what `open_log` opens when the first byte comes.

        Raises:
            OSError: no descriptors to be had.
        """
        return Capture(self, LogFile(open_log, limit=limit, open_tail=open_tail))

    def close(self) -> None:
        """End the thread. Finish all captures first."""
        if self._thread.is_alive():
            os.write(self._waking, b"x")
            self._thread.join()
            self._selector.close()
            os.close(self._woken)
            os.close(self._waking)

    def _watch(self, descriptor: int, capture: Capture) -> None:
        with self._lock:
            self._selector.register(descriptor, selectors.EVENT_READ, capture)

    def _forget(self, descriptor: int) -> None:
        with self._lock:
            self._selector.unregister(descriptor)

    def _serve(self) -> None:
        flush_at = time.monotonic()
        while True:
            # RACE: streams come and go meanwhile. A stream closed since is passed over by _pump,
            # a descriptor's number used anew just has nothing to read yet.
            for key, _ in self._selector.select(self._pause(flush_at)):
                if key.data is None:
                    return
                key.data._pump()
                self._unflushed.add(key.data)
            if self._flush_seconds is None:
                self._unflushed.clear()
            elif self._unflushed and time.monotonic() >= flush_at:
                self._flush_all()
                flush_at = time.monotonic() + self._flush_seconds

    def _pause(self, flush_at: float) -> float:
        return max(0.0, flush_at - time.monotonic()) if self._unflushed else _IDLE_SECONDS

    def _flush_all(self) -> None:
        unflushed, self._unflushed = self._unflushed, set()
        for capture in unflushed:
            capture._flush()


def _waiting_bytes(descriptor: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return max(count[0], 1)
