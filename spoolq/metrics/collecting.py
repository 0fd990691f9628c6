"""Collecting: one look and one tally at a time, for a file or for whoever scrapes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest

from spoolq.later import log_named
from spoolq.looking.overview import Lookout
from spoolq.metrics import families
from spoolq.metrics.tally import LATE_SECONDS, Tally
from spoolq.verbs import journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.metrics")
LOOK_COST = 10.0
"""Between two looks at least this many times passes what a look has cost: scrapes may be frequent."""


class Collector:
    """What prometheus_client calls for each scrape.

    With `counts` it counts attempts too, from when it was made, or on from `tally`.
    """

    def __init__(
        self, spool: OpenSpool, version: str, tally: Tally | None = None, *, counts: bool = True
    ) -> None:
        self._spool = spool
        self._version = version
        self._counts = counts
        self._lookout = Lookout(spool)
        self._lock = threading.Lock()
        self._kept: list[Any] = []
        self._good_until = 0.0
        self.tally = tally or Tally(spool.clock.estimate() - LATE_SECONDS)

    def collect(self) -> Iterator[Any]:
        """The families of one scrape; only `spoolq_up` 0 when the spool cannot be looked at."""
        with self._lock:
            now = self._spool.clock.local()
            if not self._kept or now >= self._good_until:
                self._kept = self._collected()
                took = self._spool.clock.local() - now
                self._good_until = now + took + LOOK_COST * took
            yield from self._kept

    def _collected(self) -> list[Any]:
        try:
            return [families.up(self._spool.fs.root, is_up=True), *self.families()]
        except OSError as error:
            _log.warning("%s cannot be looked at: %s", self._spool.fs.root, error)
            return [families.up(self._spool.fs.root, is_up=False)]

    def families(self) -> Iterator[Any]:
        """Look and count.

        Raises:
            OSError: the file system refused.
        """
        begun = self._spool.clock.local()
        seen = self._lookout.look()
        if self._counts:
            self.tally.count(journal.read(self._spool, self.tally.until), seen.at)
        took = self._spool.clock.local() - begun
        yield from families.of_overview(seen, took, self._version)
        if self._counts:
            yield from families.of_tally(self._spool.fs.root, self.tally)


def registry_of(collector: Collector) -> CollectorRegistry:
    """A registry that asks this collector and nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def text_of(collector: Collector) -> bytes:
    """The text format of one look."""
    return bytes(generate_latest(registry_of(collector)))
