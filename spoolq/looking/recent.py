"""What ended lately: from the change times of ended jobs, the journal, and the history's names.

Few jobs are counted exactly. Of many a sample is looked up, so that the cost is bounded, unless the
journal tells.
"""

from __future__ import annotations

from spoolq.rules import layout, names, records
from spoolq.rules.overview import Recent
from spoolq.verbs import journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from spoolq.looking.census import Count
    from spoolq.verbs.context import OpenSpool

WINDOW_SECONDS = 300.0
TROUBLES = ("failed", "expired")
MAX_EVENTS = 200


def recent(spool: OpenSpool, counts: dict[str, Count], now: float) -> Recent:
    """Jobs that ended, and attempts that went wrong, in the last minutes."""
    since = now - WINDOW_SECONDS
    done, done_exactly = _ended_since(spool, layout.DONE, counts[layout.DONE], since)
    failed, failed_exactly = _ended_since(spool, layout.FAILED, counts[layout.FAILED], since)
    troubles, all_read = _troubles_since(spool, since)
    if not (done_exactly and failed_exactly):
        outcomes = [one.outcome for one in journal.read(spool, since)]
        # The journal does not tell of what shells did, a sample misses what is rare.
        done = outcomes.count("done") if "done" in outcomes and not done_exactly else done
        if "gave_up" in outcomes and not failed_exactly:
            failed = outcomes.count("gave_up")
    return Recent(
        WINDOW_SECONDS, done, failed, troubles, done_exactly and failed_exactly and all_read
    )


def _ended_since(spool: OpenSpool, state: str, count: Count, since: float) -> tuple[int, bool]:
    sample, hits = count.sample, 0
    for name in sample.names:
        if name.endswith(".cancelled"):
            continue  # the doing of no consumer
        # The rename that ended a job is the last change of its inode.
        entry = spool.fs.lstat(f"{state}/{name}")
        hits += entry is not None and entry.changed_at >= since
    return sample.scaled(hits), sample.is_whole


def _troubles_since(spool: OpenSpool, since: float) -> tuple[int, bool]:
    found = newest_events(spool, since)
    read = [event for _, event in zip(range(MAX_EVENTS), events_of(spool, found), strict=False)]
    hits = sum(event.get("event") in TROUBLES for event in read)
    if len(found) <= MAX_EVENTS:
        return hits, True
    return round(hits * len(found) / max(1, len(read))), False


def newest_events(spool: OpenSpool, since: float) -> list[str]:
    """The names in sys/history/ of what happened since, the newest first."""
    after = names.format_time(since)
    found = []
    for name in spool.fs.iterate(layout.HISTORY):
        _, _, rest = name.partition(".")
        if rest[: len(after)] >= after and names.parse_history(name) is not None:
            found.append((rest, name))
    return [name for _, name in sorted(found, reverse=True)]


def events_of(spool: OpenSpool, found: list[str]) -> Iterator[dict[str, Any]]:
    """The records of these names, those that can be understood."""
    for name in found:
        data = spool.read_record(f"{layout.HISTORY}/{name}")
        record = records.load(data) if data is not None else None
        if record is not None and record.get("id") == names.parse_history(name):
            record.setdefault("event", record.get("outcome"))
            record.setdefault("at", record.get("ended_at"))
            yield record
