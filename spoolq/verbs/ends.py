"""End records and results of ended jobs, as readers find them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spoolq.disk.atomic import discard
from spoolq.rules import layout, names, records
from spoolq.verbs import finish

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq.verbs.context import OpenSpool
    from spoolq.verbs.locate import Place


def outcome_of(place: Place) -> str:
    """How an ended job ended: its name says so."""
    if place.state == layout.FAILED:
        return "failed"
    return "cancelled" if place.name.endswith(".cancelled") else "done"


def end_record(spool: OpenSpool, job_id: str, place: Place) -> dict[str, Any] | None:
    """The record of how a job ended, None when there was nothing to say.

    A record that its writer did not live to place is found in sys/tmp/ and placed now.
    """
    record = _placed(spool, job_id, place)
    if record is None and adopt(spool, job_id, place, spool.fs.iterate(layout.TMP)):
        record = _placed(spool, job_id, place)
    return record


def _placed(spool: OpenSpool, job_id: str, place: Place) -> dict[str, Any] | None:
    data = spool.read_record(f"{place.state}/{job_id}.end")
    record = records.load(data) if data is not None else None
    return record if records.is_end_record(record, job_id, outcome_of(place)) else None


def adopt(spool: OpenSpool, job_id: str, place: Place, in_tmp: Iterable[str]) -> bool:
    """Place the drafts of the attempt that ended this job, if any are left in sys/tmp/."""
    prefix = job_id + "."
    drafts = [names.parse_draft(name) for name in in_tmp if name.startswith(prefix)]
    ends = [draft for draft in drafts if draft is not None and draft.kind == "end"]
    won = [draft for draft in ends if _tells_of(spool, draft, outcome_of(place))]
    if not won:
        return False
    # Only the last lease can have won, and the last lease bears the highest attempt.
    best = max(won, key=lambda draft: (draft.attempt, _ended_at(spool, draft)))
    same = [
        d for d in drafts if d is not None and (d.attempt, d.lease) == (best.attempt, best.lease)
    ]
    finish.place_records(spool, place.state, same)
    return True


def _tells_of(spool: OpenSpool, draft: names.DraftName, outcome: str) -> bool:
    return records.is_end_record(_read(spool, draft), draft.id, outcome)


def _ended_at(spool: OpenSpool, draft: names.DraftName) -> float:
    record = _read(spool, draft) or {}
    return records.from_iso(record.get("ended_at")) or 0.0


def _read(spool: OpenSpool, draft: names.DraftName) -> dict[str, Any] | None:
    data = spool.read_record(f"{layout.TMP}/{draft}")
    return records.load(data) if data is not None else None


def result(spool: OpenSpool, job_id: str, place: Place, limit: int) -> bytes | None:
    """The bytes that `done` left, None when it left none."""
    record = end_record(spool, job_id, place) or {}
    spool.fs.refresh(place.state)
    try:
        found = spool.fs.read(f"{place.state}/{job_id}.result", limit)
    except FileNotFoundError:
        return None
    # CRASH: a done that a power loss undid can leave its result behind, whole or torn.
    return found if record.get("result_bytes", len(found)) == len(found) else None


def drop_drafts(spool: OpenSpool, job_id: str) -> None:
    """Remove what dead holders of an ended job left in sys/tmp/: none of them can win any more."""
    prefix = job_id + "."
    for name in spool.fs.list(layout.TMP):
        if name.startswith(prefix) and names.parse_draft(name) is not None:
            discard(spool.fs, f"{layout.TMP}/{name}")
