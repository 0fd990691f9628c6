"""Events: be told at once when a file arrives in a directory of this host.

A wake-up is a hint: it may come for nothing, and it may not come. On network file systems other
hosts' changes give no events at all.
"""

from __future__ import annotations

import os
import sys

from spoolq.waiting.hub import Subscription, WatchUnavailable, join_hub, log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq.waiting.hub import Hub, Observer

__all__ = ["Subscription", "WatchUnavailable", "subscribe"]


def subscribe(directory: str, on_arrival: Callable[[str | None], None]) -> Subscription:
    """Have `on_arrival` called with the name of each file that comes into the directory.

    It is called on the observer's thread, one call at a time, and must not block there; what it
    raises is logged. `None` means that something may have been missed: look yourself. After a
    `None` because the directory went away the subscription is no longer `active`.

    All subscriptions of a process share one observer, which starts with the first and stops
    with the last of them. They end with a fork, in the child only, which may subscribe anew.

    Raises WatchUnavailable.
    """
    path = os.path.abspath(directory)
    try:
        if not os.path.isdir(path):
            raise NotADirectoryError("no such directory")
        return join_hub(_observer_class()).add(path, on_arrival)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WatchUnavailable(f"{path}: {reason}") from error


def _observer_class() -> Callable[[Hub], Observer]:
    """Import watchdog (some 30 ms), and choose what suits the platform."""
    if sys.platform == "linux":
        try:
            from spoolq.waiting.arrivals import ArrivalObserver  # noqa: PLC0415

            return ArrivalObserver
        except Exception as error:  # a libc without inotify, a watchdog that has moved on
            log.debug("no arrivals-only watching: %s", error)
    return _stock_observer_class()


def _stock_observer_class() -> Callable[[Hub], Observer]:
    try:
        from spoolq.waiting.stock import StockObserver  # noqa: PLC0415
    except Exception as error:
        raise WatchUnavailable(f"watchdog cannot be used: {error}") from error
    return StockObserver
