"""The file that was written last is the memory of what was counted: it is read back, or begun anew."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from spoolq.metrics.families import UNTIL
from spoolq.metrics.tally import BOUNDS, Histogram, Tally
from spoolq.rules.journal import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = 16 * 1024 * 1024


def tally_in(path: str, spool_path: str) -> Tally | None:
    """What a file written before had counted of this spool; None when it tells nothing usable."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MOST_BYTES)
        samples = [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.labels.get("spool") == spool_path
        ]
    except (OSError, ValueError):
        return None
    found = [value for name, _, value in samples if name == UNTIL]
    if not found:
        return None
    tally = Tally(found[0])
    _fill(tally, samples)
    return tally


def _fill(tally: Tally, samples: Iterable[tuple[str, dict[str, str], float]]) -> None:
    for name, labels, value in samples:
        outcome = labels.get("outcome", "")
        if name == "spoolq_attempts_total" and outcome in OUTCOMES:
            tally.attempts[outcome] = int(value)
        elif name.startswith("spoolq_attempt_duration_seconds_") and outcome in OUTCOMES:
            _fill_histogram(tally.durations[outcome], name, labels, value)
        elif name.startswith("spoolq_wait_duration_seconds_"):
            _fill_histogram(tally.waits, name, labels, value)
    for histogram in (*tally.durations.values(), tally.waits):
        # From cumulative counts to one for each bucket.
        sums = histogram.counts
        histogram.counts = [n - before for n, before in zip(sums, [0.0, *sums], strict=False)]


def _fill_histogram(histogram: Histogram, name: str, labels: dict[str, str], value: float) -> None:
    if name.endswith("_sum"):
        histogram.total = value
    bounds = [*BOUNDS, float("inf")]
    if name.endswith("_bucket") and float(labels.get("le", "nan")) in bounds:
        histogram.counts[bounds.index(float(labels["le"]))] = value


def write_whole(path: str, content: bytes) -> None:
    """Replace a file by one that is whole at every moment, and readable for everybody.

    Raises:
        OSError: it cannot be written; what stood there before still does.
    """
    directory, name = os.path.split(os.path.abspath(path))
    # A collector reads what ends in .prom; the draft does not.
    handle, draft = tempfile.mkstemp(prefix=f".{name}.", suffix=".new", dir=directory)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
