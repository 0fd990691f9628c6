"""The whole story of a job: who published it and when, and every attempt."""

from __future__ import annotations

from spoolq.looking.crew import workers
from spoolq.rules import layout, names, records, story
from spoolq.verbs import journal
from spoolq.verbs.locate import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from spoolq.rules.story import Told
    from spoolq.verbs.context import OpenSpool
    from spoolq.verbs.locate import Place

MOST_JOURNAL_BYTES = 64 * 1024 * 1024


def attempts(spool: OpenSpool, job_id: str, details: dict[str, Any]) -> list[Told]:
    """Every attempt of a job, in order; `details` as `listing.details` told them."""
    place = locate(spool, job_id)
    told = [story.from_record(event, event.get("event")) for event in details["history"]]
    end = details["end"] or {}
    told.append(story.from_record(end, end.get("outcome")))
    known = [one for one in told if one is not None]
    if place is not None:
        known += _by_place(spool, job_id, place, bool(details["end"]))
    counted = place.attempts if place is not None and place.lease is None else 0
    # The journal's times are rounded.
    since = (names.published_at(job_id) or 0.0) - 1.0
    lines = journal.of_job(spool, job_id, since, MOST_JOURNAL_BYTES)
    return story.put_together(known, map(story.from_journal, lines), counted)


def _by_place(spool: OpenSpool, job_id: str, place: Place, has_end: bool) -> Iterator[Told]:
    """What the task's own name and times tell of an attempt."""
    if place.lease is not None:
        yield _running(spool, job_id, place)
    elif place.state == layout.DONE and not has_end and not place.name.endswith(".cancelled"):
        # Only a first attempt leaves no record; the rename that ended it is the inode's last change.
        entry = spool.fs.lstat(place.path)
        yield story.Told(1, "done", ended_at=entry.changed_at if entry else None)


def _running(spool: OpenSpool, job_id: str, place: Place) -> Told:
    data = spool.read_record(layout.sidecar(place.lease or ""))
    lease = records.load_lease(place.lease or "", data) if data is not None else None
    started = None
    for worker in workers(spool):
        started = next((job.started_at for job in worker.running if job.id == job_id), started)
    if started is None and lease is not None:
        started = lease.granted_at
    owner = lease.owner if lease else None
    return story.Told(place.attempts, "running", owner, place.lease, started)
