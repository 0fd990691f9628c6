"""End records and results of ended jobs, as readers find them."""

from __future__ import annotations

from binascii import crc32
from itertools import chain

from spoolq.disk.atomic import discard
from spoolq.rules import layout, names, records
from spoolq.verbs import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

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
    if record is not None:
        return record
    won = _winners(spool, job_id, place)
    if not won:
        return None
    # Read before it is placed: where nothing can be renamed (a read-only mount) it is told too.
    record = _read(spool, won[0])
    finish.place_records(spool, place.state, won)
    return record or _placed(spool, job_id, place)


def settled(spool: OpenSpool, job_id: str, place: Place) -> bool:
    """Place what an ended job's winner left in sys/tmp/; whether what is left there is of no use."""
    if end_record(spool, job_id, place) is None:
        return not _winners(spool, job_id, place)  # for good: two looks agree
    return _placed(spool, job_id, place) is not None


def make_sure(spool: OpenSpool, job_id: str, place: Place) -> None:
    """Before somebody is told of an end that another made, or made long ago: see that it stays.

    CRASH: I4. Who made it may not have come to its record, or to the sync, and never come to it.
    """
    if spool.syncs_endings:
        end_record(spool, job_id, place)
        spool.fs.sync_directory(layout.TMP)  # where a record is that cannot be placed
        spool.fs.sync_directory(place.state)


def _placed(spool: OpenSpool, job_id: str, place: Place) -> dict[str, Any] | None:
    data = spool.read_record(f"{place.state}/{job_id}.end")
    record = records.load(data) if data is not None else None
    return record if records.is_end_record(record, job_id, outcome_of(place)) else None


def _winners(spool: OpenSpool, job_id: str, place: Place) -> list[names.DraftName]:
    """The drafts in sys/tmp/ of the try that ended this job, its record first; [] when none is."""
    prefix = job_id + "."
    found = [
        draft
        for name in spool.fs.iterate(layout.TMP)
        if name.startswith(prefix) and (draft := names.parse_draft(name)) is not None
    ]
    ends = [draft for draft in found if draft.kind == "end"]
    won = [draft for draft in ends if _tells_of(spool, draft, outcome_of(place))]
    if not won:
        return []
    # Only the last lease can have won, and the last lease bears the highest attempt.
    best = max(won, key=lambda draft: (draft.attempt, _ended_at(spool, draft)))
    same = [draft for draft in found if (draft.attempt, draft.token) == (best.attempt, best.token)]
    return sorted(same, key=lambda draft: draft.kind != "end")


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
    record = end_record(spool, job_id, place)
    spool.fs.refresh(place.state)
    placed = f"{place.state}/{job_id}.result"
    # RACE: a draft that cannot be placed now (a read-only mount) may be placed by another reader.
    for path in chain([placed], _unplaced_results(spool, job_id, place), [placed]):
        try:
            # Of two names, too: a draft and the result it became, after a power cut of btrfs.
            found = spool.fs.read_record(path, limit)
        except FileNotFoundError:
            continue
        # CRASH: a done that a power loss undid can leave its result behind, whole or torn. Who
        # gives a result leaves a record that tells size and sum. RACE: it may be placed just now.
        record = record or end_record(spool, job_id, place)
        return found if record is not None and _is_whole(found, record) else None
    return None


def _is_whole(result: bytes, record: dict[str, Any]) -> bool:
    """Whether a result is the one that its record tells of; sums are missing in older records."""
    told = record.get("result_bytes", len(result)), record.get("result_crc32", crc32(result))
    return told == (len(result), crc32(result))


def _unplaced_results(spool: OpenSpool, job_id: str, place: Place) -> Iterator[str]:
    if _placed(spool, job_id, place) is None:
        for draft in _winners(spool, job_id, place):
            if draft.kind == "result":
                yield f"{layout.TMP}/{draft}"


def drop_drafts(spool: OpenSpool, job_id: str) -> None:
    """Remove what dead holders of an ended job left in sys/tmp/: none of them can win any more."""
    prefix = job_id + "."
    for name in spool.fs.list(layout.TMP):
        if name.startswith(prefix) and names.parse_draft(name) is not None:
            discard(spool.fs, f"{layout.TMP}/{name}")
