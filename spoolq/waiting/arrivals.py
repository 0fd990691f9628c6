"""Linux: one inotify instance for the whole process that reports arrivals and nothing else.

watchdog's own inotify observer asks for both halves of a move, and holds every event back for
half a second once a task is renamed out of the watched directory, which is what claiming does.
This observer is a watchdog dispatcher on watchdog's inotify calls, with a mask that never sees a
departure. It also hands names on from the thread that reads them (watchdog: two more threads and
an event object each) and tells when the kernel's queue ran over (watchdog: a line in the log).

Imports watchdog, so it is itself imported only when somebody waits.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from watchdog.observers.api import EventDispatcher
from watchdog.observers.inotify_c import InotifyConstants as Inotify
from watchdog.observers.inotify_c import inotify_add_watch, inotify_init, inotify_rm_watch

from spoolq.later import log_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from watchdog.observers.api import EventQueue

    from spoolq.waiting.hub import Listener

log = log_named("spoolq.waiting")

ARRIVED = Inotify.IN_MOVED_TO | Inotify.IN_CREATE
GONE = (
    Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF | Inotify.IN_UNMOUNT | Inotify.IN_IGNORED
)  # the last two come unasked
MASK = ARRIVED | Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF | Inotify.IN_ONLYDIR

EVENT_HEAD = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
BUFFER_BYTES = 65536  # several hundred events; the kernel never cuts one in two

REASONS = {
    errno.EMFILE: "no inotify instance left (fs.inotify.max_user_instances), or no descriptor",
    errno.ENOSPC: "no inotify watch left (fs.inotify.max_user_watches)",
    errno.ENOSYS: "this kernel has no inotify",
}


class ArrivalObserver(EventDispatcher):
    """A daemon thread in a blocking read of one inotify descriptor.

    The thread alone closes the descriptor (`Listener.ended` calls `release`), so that nobody
    ever reads a number that has been given to another file meanwhile.
    """

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self.name = "spoolq-arrivals"
        self._listener = listener
        self._fd = inotify_init()
        if self._fd == -1:
            _raise_last_error()
        os.set_inheritable(self._fd, False)

    def watch(self, directory: str) -> int:
        """Watch a directory; the same directory (by any path) gives the same key. Raises OSError.

        May wait for the file system.
        """
        key = inotify_add_watch(self._fd, os.fsencode(directory), MASK)
        if key == -1:
            _raise_last_error()
        return key

    def unwatch(self, key: int) -> None:
        """Watch a directory no more; nothing happens when the kernel dropped the watch itself."""
        inotify_rm_watch(self._fd, key)  # type: ignore[arg-type]  # watchdog's NewType of int

    def begin(self) -> None:
        """Start the thread unless it runs. Raises RuntimeError when there can be no more."""
        if self.ident is None:
            self.start()

    def on_thread_stop(self) -> None:
        """Get the thread out of its read: every watch that ends is itself an event.

        A full queue takes no such event, but then there is something to read anyway.
        """
        self._listener.rest.end()
        if self.ident is None:
            self._listener.ended()
        else:
            inotify_rm_watch(self._fd, inotify_add_watch(self._fd, b"/", Inotify.IN_DELETE_SELF))

    def release(self) -> None:
        """Close the descriptor; in a forked child also: let the copy of it go."""
        self.stopped_event.set()
        if self._fd != -1:
            os.close(self._fd)
            self._fd = -1

    def run(self) -> None:
        """Hand on events until stopped."""
        try:
            super().run()
        except Exception:
            log.exception("watching has broken; what waits polls from now on")
        finally:
            self._listener.ended()

    def dispatch_events(self, event_queue: EventQueue) -> None:
        """Wait for events and hand them on. watchdog's own queue stays empty."""
        # A single blocking read, no poll() before it: each call that waits has to get the
        # interpreter lock back afterwards, up to 5 ms beside a computing thread.
        self._listener.rest.take()
        events = os.read(self._fd, BUFFER_BYTES)
        offset = 0
        while offset < len(events):
            key, mask, _cookie, name_length = EVENT_HEAD.unpack_from(events, offset)
            offset += EVENT_HEAD.size + name_length
            self._hand_on(key, mask, events[offset - name_length : offset])

    def _hand_on(self, key: int, mask: int, padded_name: bytes) -> None:
        if mask & ARRIVED:
            if not mask & Inotify.IN_ISDIR:
                self._listener.arrived(key, os.fsdecode(padded_name.rstrip(b"\0")))
        elif mask & Inotify.IN_Q_OVERFLOW:
            self._listener.overflowed()
        elif mask & GONE:
            self._listener.lost(key)


def _raise_last_error() -> NoReturn:
    code = ctypes.get_errno()
    raise OSError(code, REASONS.get(code) or os.strerror(code))
