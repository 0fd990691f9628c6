"""Whether events tell of arrivals: on local file systems yes, elsewhere consumers poll."""

from __future__ import annotations

import threading

from spoolq.later import log_named
from spoolq.rules import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq.verbs.context import OpenSpool
    from spoolq.waiting.rest import Rest
    from spoolq.waiting.watch import Subscription

_log = log_named("spoolq.waiting")
WORTH_WATCHING_SECONDS = 0.25
"""Starting the observer takes about a tenth of a second; shorter waits are polled through."""


class Watch:
    """Subscriptions to ready/ and delayed/, made when first worth it."""

    def __init__(self, spool: OpenSpool, on_arrival: Callable[[str, str | None], None]) -> None:
        self._spool = spool
        self._on_arrival = on_arrival
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._is_tried = False
        self._is_closed = False

    @property
    def is_on(self) -> bool:
        """Whether arrivals are told by events."""
        return bool(self._subscriptions) and all(s.active for s in self._subscriptions)

    @property
    def rest(self) -> Rest | None:
        """What to skip while waiting for arrivals; None where no events tell of them."""
        subscriptions = self._subscriptions
        return subscriptions[0].rest if subscriptions else None

    def start(self, left: float | None) -> bool:
        """Begin to watch if a wait of `left` seconds is worth it; whether it began just now."""
        if self._is_tried or (left is not None and left < WORTH_WATCHING_SECONDS):
            return False
        with self._lock:
            if self._is_tried or self._is_closed:
                return False
            self._is_tried = True
            return self._is_wanted() and self._subscribe()

    def _is_wanted(self) -> bool:
        chosen = self._spool.settings.watch
        return chosen == "events" or (chosen == "auto" and not self._spool.fs.is_network)

    def _subscribe(self) -> bool:
        from spoolq.waiting import watch  # noqa: PLC0415 - brings watchdog

        try:
            for directory in (layout.READY, layout.DELAYED):
                self._subscriptions.append(self._subscription(watch.subscribe, directory))
        except watch.WatchUnavailable as error:
            _log.warning("no events, polling instead: %s", error)
            self._drop()
            return False
        return True

    def _subscription(
        self, subscribe: Callable[[str, Callable[[str | None], None]], Subscription], directory: str
    ) -> Subscription:
        def arrived(name: str | None) -> None:
            self._on_arrival(directory, name)

        return subscribe(f"{self._spool.fs.root}/{directory}", arrived)

    def close(self) -> None:
        """Stop watching, for good."""
        with self._lock:
            self._is_closed = True
            self._drop()

    def _drop(self) -> None:
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.close()
