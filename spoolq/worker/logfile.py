"""One stream's log: a file that never grows beyond a limit, and never fails its writer.

The file is only ever appended to, so that it can be read while it grows. Up to the limit it holds
every byte. Past three quarters of it, output goes round in a ring (a file without a name, in
TMPDIR) that keeps the last quarter; at the end the ring is appended, after a note when the middle
was cut. Nothing is held in memory. Both files are made when the first byte comes.

A file system that is full, or refuses otherwise, loses output but never stops the command: what is
lost is counted, writing is tried again every few seconds, and a note marks the gap.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spoolq.errors import SpoolqError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_LIMIT = 64 * 1024 * 1024
_TAIL_SHARE = 4
_COPY_BYTES = 1024 * 1024
_TRY_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Logged:
    """What became of a stream.

    Attributes:
        total_bytes: what the command wrote.
        cut_bytes: left out in the middle, because of the limit.
        lost_bytes: lost, because the file system refused.
        error: why, the first such error's text; None when nothing was lost.
    """

    total_bytes: int
    cut_bytes: int = 0
    lost_bytes: int = 0
    error: str | None = None


class LogFile:
    """Not safe for threads by itself; see `capture`.

    Args:
        open_log: opens (and makes) the log for appending; called at the first byte, and again after
            an error in it.
        limit: the most bytes of output kept (notes come on top).
        open_tail: opens an empty file for reading and writing that needs no cleaning up.
    """

    def __init__(
        self,
        open_log: Callable[[], int],
        *,
        limit: int = DEFAULT_LIMIT,
        open_tail: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_log, self._open_tail = open_log, open_tail or _nameless_file
        self._clock = clock
        self._log: int | None = None
        self._tail: int | None = None
        self._tail_room = limit // _TAIL_SHARE
        self._head_left = limit - self._tail_room
        self._tail_total = self._total = self._cut = self._lost = self._gap = 0
        self._tail_works = True
        self._error: str | None = None
        self._try_again_at = float("-inf")
        self.is_dirty = False

    def write(self, data: bytes) -> None:
        """Store more of the stream. Never raises OSError."""
        self._total += len(data)
        head, rest = data[: self._head_left], data[self._head_left :]
        if head:
            self._head_left -= len(head)
            self._append(head)
        if rest:
            self._keep_in_tail(rest)

    def flush(self) -> None:
        """Make what was written visible to other hosts (NFS clients buffer until then)."""
        if self.is_dirty and self._log is not None:
            try:
                os.fsync(self._log)
            except OSError as error:
                self._note_error(error)
        self.is_dirty = False

    def finish(self) -> Logged:
        """The stream has ended: complete the file and close it. Never raises OSError."""
        self._append_tail()
        if self._gap:
            self._try_again_at = float("-inf")
            self._append(b"")
        for descriptor in (self._log, self._tail):
            if descriptor is not None:
                try:
                    os.close(descriptor)
                except OSError as error:  # NFS: a full server says so only now
                    self._note_error(error)
        self._log = self._tail = None
        return Logged(self._total, self._cut, self._lost, self._error)

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        if self._clock() >= self._try_again_at:
            try:
                if self._log is None:
                    self._log = self._open_log()
                self._note_gap()
                while left:
                    left = left[os.write(self._log, left) :]
                self.is_dirty = True
            except (OSError, SpoolqError) as error:
                self._note_error(error)
                self._try_again_at = self._clock() + _TRY_AGAIN_SECONDS
        self._gap += len(left)
        self._lost += len(left)

    def _note_gap(self) -> None:
        if self._gap and self._log is not None:
            text = f"\n[spoolq: {self._gap} bytes of output lost here: {self._error}]\n"
            _write_all(self._log, text.encode())
            self._gap = 0

    def _note_error(self, error: Exception) -> None:
        self._error = self._error or getattr(error, "strerror", None) or str(error)

    def _keep_in_tail(self, data: bytes) -> None:
        left = memoryview(data)
        if not self._tail_works or not self._tail_room:
            self._cut += len(left)
            return
        try:
            if self._tail is None:
                self._tail = self._open_tail()
            while left:
                at = self._tail_total % self._tail_room
                written = os.pwrite(self._tail, left[: self._tail_room - at], at)
                self._tail_total += written
                left = left[written:]
        except OSError as error:
            # What the ring holds is not in order any more: the stream ends at the head.
            self._note_error(error)
            self._tail_works = False
            self._cut += self._tail_total + len(left)
            self._tail_total = 0

    def _append_tail(self) -> None:
        if self._tail is not None:
            self._cut += max(0, self._tail_total - self._tail_room)
        if self._cut:
            self._append(f"\n[spoolq: {self._cut} bytes of output left out here]\n".encode())
        if self._tail is None or not self._tail_total:
            return
        at = self._tail_total % self._tail_room
        if self._tail_total > self._tail_room:
            self._copy_tail(at, self._tail_room)
            self._copy_tail(0, at)
        else:
            self._copy_tail(0, self._tail_total)

    def _copy_tail(self, start: int, end: int) -> None:
        while start < end and self._tail is not None:
            try:
                data = os.pread(self._tail, min(_COPY_BYTES, end - start), start)
            except OSError as error:
                self._note_error(error)
                data = b""
            if not data:
                self._lost += end - start
                return
            self._append(data)
            start += len(data)


def _nameless_file() -> int:
    with tempfile.TemporaryFile(prefix="spoolq-", buffering=0) as file:
        return os.dup(file.fileno())


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def close_quietly(descriptor: int | None) -> None:
    """Close a descriptor that nothing more depends on."""
    if descriptor is not None:
        with suppress(OSError):
            os.close(descriptor)
