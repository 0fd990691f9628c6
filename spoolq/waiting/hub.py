"""Who is told of what: the subscriptions of a process, and the one observer they share.

No watchdog here. Deliveries take no lock; everything else happens under one that is held over a
fork, and therefore never while anything might wait.
"""

from __future__ import annotations

import os
import threading

from spoolq.later import log_named
from spoolq.shapes import Protocol
from spoolq.waiting.rest import Rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    OnArrival = Callable[[str | None], None]

log = log_named("spoolq.waiting")

# Reentrant, for a signal handler may close a spool in the middle of a subscribe.
_lock = threading.RLock()
_hubs: list[Hub] = []  # all whose observer still has a descriptor open; the last may be current


class WatchUnavailable(Exception):
    """There can be no events for this directory; the text tells the reason. Poll instead."""


class Observer(Protocol):
    """Watches directories and tells its listener, from a thread of its own."""

    def watch(self, directory: str) -> int:
        """Return the directory's key, the same for the same directory. Raises OSError."""

    def unwatch(self, key: int) -> None:
        """End that watch, if it is still there."""

    def begin(self) -> None:
        """Start telling, if not begun. Raises RuntimeError when no thread can be had."""

    def stop(self) -> None:
        """Wind up without waiting for it; `Listener.ended` follows."""

    def release(self) -> None:
        """Close what is open, called under the lock; in a forked child: the copy of it."""


class Listener(Protocol):
    """What an observer tells, and what it asks before it reads on."""

    rest: Rest

    def arrived(self, key: int, name: str) -> None:
        """A file of this name came into the directory."""

    def overflowed(self) -> None:
        """Events were lost, of any directory."""

    def lost(self, key: int) -> None:
        """The directory is gone from its path; no more events."""

    def ended(self) -> None:
        """The observer is done, whether asked to or not."""


class Subscription:
    """One receiver of one directory's arrivals, until closed."""

    def __init__(self, hub: Hub, key: int, on_arrival: OnArrival) -> None:
        self._hub = hub
        self._key = key
        self._on_arrival = on_arrival
        self.active = True
        """False when closed, when the directory went away, and in a forked child."""

    @property
    def rest(self) -> Rest:
        """What to skip while waiting for this directory's arrivals."""
        return self._hub.rest

    def close(self) -> None:
        """Receive no more. From any thread, any number of times, also from the receiver itself.

        Waits for nothing: a call that is under way on the observer's thread still finishes.
        """
        with _lock:
            if self.active:
                self.active = False
                self._hub.drop(self._key, self)

    def tell(self, name: str | None) -> None:
        """Call the receiver; what it raises goes to the log."""
        if self.active:
            self._call(name)

    def tell_last(self) -> None:
        """Tell that there will be nothing more to tell, unless closed."""
        if self.active:
            self.active = False
            self._call(None)

    def _call(self, name: str | None) -> None:
        try:
            self._on_arrival(name)
        except Exception:
            log.exception("a receiver of arrivals failed")


class Hub:
    """One observer and its subscriptions, from the first to the last of them.

    Raises OSError when the observer cannot be made.
    """

    def __init__(self, make_observer: Callable[[Hub], Observer]) -> None:
        self._receivers: dict[int, tuple[Subscription, ...]] = {}  # replaced, never changed
        self._adding = 0  # subscribes under way, outside the lock
        self._lost: set[int] = set()  # keys that were lost during those
        self.rest = Rest()
        self._observer = make_observer(self)
        self.usable = True  # False when stopping, ended, or copied by a fork

    def add(self, directory: str, on_arrival: OnArrival) -> Subscription:
        """Subscribe; `expect` was called before. Raises OSError, RuntimeError."""
        try:
            key = self._observer.watch(directory)  # may wait for the disk, so without the lock
            with _lock:
                return self._attach(key, on_arrival)
        finally:
            with _lock:
                self._adding -= 1  # last of all: a signal handler may close others any time
                self._sweep()

    def expect(self) -> None:
        """Announce an `add`, under the lock, so that the observer is not stopped before it."""
        self._adding += 1

    def drop(self, key: int, subscription: Subscription) -> None:
        """Take a closed subscription out, under the lock."""
        others = tuple(s for s in self._receivers.get(key, ()) if s is not subscription)
        if key in self._receivers:
            self._receivers[key] = others
        self._sweep()

    def arrived(self, key: int, name: str) -> None:
        """Tell the directory's receivers."""
        for subscription in self._receivers.get(key, ()):
            subscription.tell(name)

    def overflowed(self) -> None:
        """Tell everybody that something was missed."""
        for receivers in list(self._receivers.values()):
            for subscription in receivers:
                subscription.tell(None)

    def lost(self, key: int) -> None:
        """Tell the directory's receivers for the last time."""
        with _lock:
            receivers = self._receivers.pop(key, ())
            if self._adding:
                self._lost.add(key)
            if self.usable:
                self._observer.unwatch(key)  # of a directory that was moved, it would go on
                self._sweep()
        for subscription in receivers:
            subscription.tell_last()

    def ended(self) -> None:
        """Let the observer's descriptors go; who is still subscribed hears of it."""
        with _lock:
            self.usable = False
            self._observer.release()
            if self in _hubs:
                _hubs.remove(self)
            left = [s for receivers in self._receivers.values() for s in receivers]
            self._receivers.clear()
        for subscription in left:
            subscription.tell_last()

    def abandon(self) -> None:
        """Forget everything: this is the copy of it in a forked child."""
        self.usable = False
        for receivers in self._receivers.values():
            for subscription in receivers:
                subscription.active = False
        self._receivers.clear()
        self._observer.release()

    def _attach(self, key: int, on_arrival: OnArrival) -> Subscription:
        if key in self._lost or not self.usable:
            raise OSError("the watch ended as it began: the directory went away")
        self._observer.begin()
        subscription = Subscription(self, key, on_arrival)
        self._receivers[key] = (*self._receivers.get(key, ()), subscription)
        return subscription

    def _sweep(self) -> None:
        """End the watches nobody receives, and with the last of them the observer.

        RACE: not while a subscribe is under way, whose key may be one of these.
        """
        if self._adding or not self.usable:
            return
        self._lost.clear()
        unwanted = [
            key
            for key, receivers in self._receivers.items()
            if not any(subscription.active for subscription in receivers)
        ]
        if len(unwanted) == len(self._receivers):
            self.usable = False
            self._observer.stop()  # first, for the end of a watch is what wakes its thread
        for key in unwanted:
            self._receivers.pop(key, None)  # stop() may have cleared all of them
            self._observer.unwatch(key)


def join_hub(make_observer: Callable[[Hub], Observer]) -> Hub:
    """Give the process's hub, a new one if need be, and have it expect an `add`. Raises OSError."""
    with _lock:
        hub = _hubs[-1] if _hubs and _hubs[-1].usable else None
        if hub is None:
            hub = Hub(make_observer)
            _hubs.append(hub)
        hub.expect()
        return hub


def _before_fork() -> None:
    _lock.acquire()


def _after_fork_in_parent() -> None:
    _lock.release()


def _after_fork_in_child() -> None:
    """Start afresh: the threads are not here, and the descriptors are the parent's."""
    global _lock  # noqa: PLW0603 - other threads of the parent may have waited for it
    _lock = threading.RLock()
    for hub in _hubs:
        hub.abandon()
    _hubs.clear()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
