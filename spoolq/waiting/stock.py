"""Other platforms: watchdog's own observer (FSEvents, kqueue, polling), one for each directory.

Imports watchdog, so it is itself imported only when somebody waits.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import threading

from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

    from spoolq.waiting.hub import Listener

# A program that has not set up logging shall not find watchdog's remarks in its stderr.
logging.getLogger("watchdog").addHandler(logging.NullHandler())


class StockObserver:
    """Watches as watchdog does. Where it cannot tell that events were lost, polling makes up."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._next_key = itertools.count(1)
        self._keys: dict[str, int] = {}
        self._observers: dict[int, BaseObserver] = {}

    def watch(self, directory: str) -> int:
        """Watch a directory; the same path gives the same key. Raises OSError."""
        with self._lock:
            known = self._keys.get(directory)
            if known in self._observers:
                return known
            key = next(self._next_key)
            observer = Observer()
            observer.schedule(_Handler(self._listener, key, directory), directory)
            observer.start()
            self._keys[directory] = key
            self._observers[key] = observer
            return key

    def unwatch(self, key: int) -> None:
        """Stop that directory's observer."""
        observer = self._observers.pop(key, None)
        if observer is not None:
            # RACE: watchdog holds a lock while it calls back, and stop() wants it; whoever
            # closes a subscription may hold what the callback is waiting for.
            with contextlib.suppress(RuntimeError):  # no new threads: the process is ending
                threading.Thread(target=observer.stop, daemon=True).start()

    def begin(self) -> None:
        """Nothing to do: each observer starts with its watch."""

    def stop(self) -> None:
        """Stop what is left."""
        for key in list(self._observers):
            self.unwatch(key)
        self._listener.ended()

    def release(self) -> None:
        """Forget the observers; in a forked child their threads do not exist."""
        self._observers.clear()


class _Handler(FileSystemEventHandler):
    """Picks arrivals out of everything watchdog reports."""

    def __init__(self, listener: Listener, key: int, directory: str) -> None:
        self._listener = listener
        self._key = key
        self._directory = directory

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Hand on created and moved files, and the end of the directory itself."""
        if event.is_directory:
            if event.event_type == "deleted" and event.src_path == self._directory:
                self._listener.lost(self._key)
        elif event.event_type == "created":
            self._arrived(event.src_path)
        elif event.event_type == "moved":
            self._arrived(event.dest_path)

    def _arrived(self, path: bytes | str) -> None:
        self._listener.arrived(self._key, os.path.basename(os.fsdecode(path)))
