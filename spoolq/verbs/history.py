"""History: one small record per abnormal event of a job, each under a name of its own.

Appending from two hosts is not safe on NFS, so nothing is ever appended.
"""

from __future__ import annotations

from spoolq.disk.atomic import discard
from spoolq.disk.chance import random_text
from spoolq.later import log_named
from spoolq.rules import layout, names, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.history")


def event_name(spool: OpenSpool, job_id: str, now: float) -> str:
    """A new name in sys/history/: `<id>.<time>.<random>`."""
    return f"{layout.HISTORY}/{job_id}.{names.format_time(now)}.{random_text()}"


def note(spool: OpenSpool, job_id: str, event: str, **facts: object) -> None:
    """Write down what happened to a job, after it happened. A full disk does not undo the move."""
    try:
        now = spool.clock.now()
        values = {"id": job_id, "event": event, "at": records.to_iso(now), "by": spool.owner}
        draft = f"{layout.TMP}/{spool.token()}.event"
        given = {name: value for name, value in facts.items() if value is not None}
        spool.write_record(draft, {**values, **given}, sync=False)
        try:
            spool.fs.rename(draft, event_name(spool, job_id, now))
        except OSError:
            discard(spool.fs, draft)
            raise
    except OSError as error:
        _log.warning("no history of %s of job %s: %s", event, job_id, error)


def count(spool: OpenSpool, job_id: str) -> int:
    """How many events of a job are kept."""
    prefix = job_id + "."
    return sum(name.startswith(prefix) for name in spool.fs.iterate(layout.HISTORY))


def events(spool: OpenSpool, job_id: str) -> list[dict[str, Any]]:
    """What happened to a job, oldest first; records that cannot be understood are left out."""
    prefix = job_id + "."
    found = [name for name in spool.fs.iterate(layout.HISTORY) if name.startswith(prefix)]
    return events_named(spool, job_id, found)


def events_named(spool: OpenSpool, job_id: str, found: list[str]) -> list[dict[str, Any]]:
    """As `events`, of a job whose names in sys/history/ are known."""
    told = []
    for name in sorted(found):
        data = spool.read_record(f"{layout.HISTORY}/{name}")
        record = records.load(data) if data is not None else None
        if record is not None and names.parse_history(name) == job_id:
            # An end that became history (see cancel.retry) tells of itself as an end.
            record.setdefault("event", record.get("outcome"))
            record.setdefault("at", record.get("ended_at"))
            told.append(record)
    return told
