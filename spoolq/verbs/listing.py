"""Looking without touching: JobInfo of one job, of all jobs, counts, and everything known of one."""

from __future__ import annotations

from spoolq.disk.filesystem import Foreign
from spoolq.errors import InvalidTask, UnknownJob
from spoolq.jobs import JobInfo, JobStatus, Stats
from spoolq.rules import archives, layout, names, records
from spoolq.verbs import ends, finish, history, pause, terms
from spoolq.verbs.locate import Place, job_of, locate, place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any

    from spoolq.verbs.context import OpenSpool

STATUS_OF = {
    layout.READY: JobStatus.READY,
    layout.DELAYED: JobStatus.DELAYED,
    layout.LEASED: JobStatus.PROCESSING,
    layout.DONE: JobStatus.DONE,
    layout.FAILED: JobStatus.FAILED,
}
LOOKS_AT_A_LEASE = 5


def get(spool: OpenSpool, job_id: str) -> JobInfo:
    """Where a job is; UNKNOWN for an id that is unknown or not an id at all."""
    if not names.is_job_id(job_id):
        return JobInfo(job_id, JobStatus.UNKNOWN)
    for _ in range(LOOKS_AT_A_LEASE):
        place = locate(spool, job_id)
        if place is None:
            return _archived_info(spool, job_id)
        waits_again = place.attempts > 0 and place.lease is None and not place.has_ended
        why = _last_reason(spool, job_id) if waits_again else None
        info = info_at(spool, job_id, place, why)
        if info is not None:
            return info
    return JobInfo(job_id, JobStatus.UNKNOWN)


def _archived_info(spool: OpenSpool, job_id: str) -> JobInfo:
    """What an archive tells of a job that is in no state directory any more; UNKNOWN if none does."""
    found = _find_archived(spool, job_id)
    if found is None:
        return JobInfo(job_id, JobStatus.UNKNOWN)
    _, values = found
    place = Place(layout.DONE, finish.ended_name(job_id, str(values.get("outcome"))))
    end = values.get("end")
    return _ended_info(job_id, place, end if isinstance(end, dict) else None)


def _last_reason(spool: OpenSpool, job_id: str) -> str | None:
    told = [event.get("reason") for event in history.events(spool, job_id)]
    return _text(told[-1]) if told else None


def info_at(spool: OpenSpool, job_id: str, place: Place, why: str | None = None) -> JobInfo | None:
    """What is known of a job at a place; None when it has left a lease meanwhile: look again.

    `why` is the reason of its last failure, for a job that waits again.
    """
    if place.state == layout.LEASED:
        return _leased_info(spool, job_id, place)
    if place.has_ended:
        return _ended_info(job_id, place, ends.end_record(spool, job_id, place))
    due = records.to_datetime(place.due) if place.due is not None else None
    told = {"next_execution_at": due, "reason": why}
    return _info(job_id, place, place.attempts, place.attempts, **told)


def _info(job_id: str, place: Place, attempt: int, reschedules: int, **more: Any) -> JobInfo:
    return JobInfo(
        job_id,
        STATUS_OF[place.state],
        reschedules=reschedules,
        attempt=attempt,
        priority=names.priority_of(job_id),
        published_at=_published_at(job_id),
        **more,
    )


def _published_at(job_id: str) -> datetime | None:
    seconds = names.published_at(job_id)
    return None if seconds is None else records.to_datetime(seconds)


def _leased_info(spool: OpenSpool, job_id: str, place: Place) -> JobInfo | None:
    now = spool.clock.estimate()
    lease = place.lease or ""
    record = terms.read_lease(spool, lease, now)
    deadline = record.deadline if record else terms.read_grace(spool, lease, now)
    if deadline is None:
        # RACE: the sidecar of a lease that just ended is gone too. Only if the task is still
        # there has the sidecar been lost; the full term of who notices starts about now.
        if names.parse_leased(place.name) is None or place.name not in spool.fs.list(place.state):
            return None
        task = names.LeasedName(job_id, place.attempts, lease)
        deadline = now + terms.full_term(spool, [task])
    at = records.to_datetime(deadline)
    return _info(
        job_id,
        place,
        place.attempts,
        place.attempts - 1,
        next_execution_at=at,
        deadline=at,
        owner=record.owner if record else None,
    )


def _ended_info(job_id: str, place: Place, record: dict[str, Any] | None) -> JobInfo:
    outcome = ends.outcome_of(place)
    told = record or {}
    attempt = _count(told.get("attempt"), 0 if outcome == "cancelled" else 1)
    reschedules = _count(told.get("reschedules"), attempt - 1 if outcome == "done" else attempt)
    return _info(
        job_id,
        place,
        attempt,
        reschedules,
        outcome=outcome,
        owner=_text(told.get("owner")),
        reason=_text(told.get("reason")),
    )


def _count(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and value >= 0 else max(0, otherwise)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def each(
    spool: OpenSpool, status: JobStatus | None, is_wanted: Callable[[str], bool] | None = None
) -> Iterator[JobInfo]:
    """All jobs, state by state, each state in the order of its names; every job once.

    Nothing is read of a job whose id is not wanted. One that moves backwards meanwhile may be
    missed.
    """
    met: set[str] = set()
    for state, state_status in STATUS_OF.items():
        if status not in {None, state_status}:
            continue
        for info in _each_in(spool, state, is_wanted or _any):
            if info.id not in met:
                yield info
            if state not in {layout.DONE, layout.FAILED}:
                met.add(info.id)


def _any(_job_id: str) -> bool:
    return True


def _each_in(spool: OpenSpool, state: str, is_wanted: Callable[[str], bool]) -> Iterator[JobInfo]:
    if state in {layout.DONE, layout.FAILED}:
        yield from _each_ended(spool, state, is_wanted)
        return
    for name in sorted(spool.fs.iterate(state)):
        place = place_of(state, name)
        job_id = job_of(state, name)
        if place is None or job_id is None or not is_wanted(job_id):
            continue
        info = info_at(spool, job_id, place)
        if info is not None:
            yield info


def _each_ended(
    spool: OpenSpool, state: str, is_wanted: Callable[[str], bool]
) -> Iterator[JobInfo]:
    # One listing tells which jobs have records, so that the many without cost no look-up.
    found = sorted(spool.fs.iterate(state))
    recorded = {name[: -len(".end")] for name in found if name.endswith(".end")}
    drafted = {name.partition(".")[0] for name in spool.fs.list(layout.TMP)}
    for name in found:
        job_id = job_of(state, name)
        if job_id is None or not is_wanted(job_id):
            continue
        place = Place(state, name)
        known = job_id in recorded or job_id in drafted
        yield _ended_info(job_id, place, ends.end_record(spool, job_id, place) if known else None)


def stats(spool: OpenSpool) -> Stats:
    """Counts by listing each state directory once."""
    counts = dict.fromkeys(layout.STATES, 0)
    oldest = ""
    for state in layout.STATES:
        for name in spool.fs.iterate(state):
            job_id = job_of(state, name)
            if job_id is None:
                continue
            counts[state] += 1
            if state == layout.READY:
                oldest = min(oldest or job_id[2:23], job_id[2:23])
    published = names.parse_time(oldest)
    age = None if published is None else max(0.0, spool.clock.estimate() - published)
    return Stats(**counts, oldest_ready_seconds=age, paused=pause.reason(spool))


def is_quiet(spool: OpenSpool) -> bool:
    """Whether no job is delayed, ready or leased.

    RACE: a job can come back behind a look (released, retried), so two looks have to agree. States
    in the order that jobs travel: one that moves on meanwhile is met further down.
    """
    unfinished = (layout.DELAYED, layout.READY, layout.LEASED)
    return not any(
        job_of(state, name)
        for _ in range(2)
        for state in unfinished
        for name in spool.fs.iterate(state)
    )


def details(spool: OpenSpool, job_id: str) -> dict[str, Any]:
    """Everything the spool knows of a job, as JSON values.

    Raises:
        UnknownJob: no such job.
    """
    place = locate(spool, job_id) if names.is_job_id(job_id) else None
    if place is None:
        return _archived_details(spool, job_id)
    entry = spool.fs.lstat(place.path)
    meta = spool.meta(job_id)
    now = spool.clock.estimate()
    lease = terms.read_lease(spool, place.lease, now) if place.lease else None
    return {
        "id": job_id,
        "state": place.state,
        "path": f"{spool.fs.root}/{place.path}",
        "size": entry.size if entry else None,
        "key": meta.key,
        "headers": meta.headers or {},
        "lease_seconds": meta.lease_seconds,
        "max_attempts": meta.max_attempts,
        "published_by": meta.by,
        "lease": None
        if lease is None
        else {
            "name": lease.name,
            "owner": lease.owner,
            "host": lease.host,
            "pid": lease.pid,
            "granted_at": records.to_iso(lease.granted_at),
            "deadline": records.to_iso(lease.deadline),
        },
        "end": ends.end_record(spool, job_id, place) if place.has_ended else None,
        "history": history.events(spool, job_id),
    }


def _find_archived(spool: OpenSpool, job_id: str) -> tuple[str, dict[str, Any]] | None:
    from spoolq.verbs import archived  # noqa: PLC0415 - reading zips is a lot to import

    return archived.find(spool, job_id)


def _archived(spool: OpenSpool, job_id: str) -> tuple[str, dict[str, Any]]:
    found = _find_archived(spool, job_id) if names.is_job_id(job_id) else None
    if found is None:
        raise UnknownJob(job_id)
    return found


def _archived_details(spool: OpenSpool, job_id: str) -> dict[str, Any]:
    """As `details`, of an archived job: its state is done, its path the archive's."""
    path, values = _archived(spool, job_id)
    task, end, events = (
        archives.unpacked(values, "task"),
        values.get("end"),
        values.get("history"),
    )
    meta = records.load_meta(records.dump(values.get("options") or {}))
    return {
        "id": job_id,
        "state": layout.DONE,
        "path": f"{spool.fs.root}/{path}",
        "size": None if task is None else len(task),
        "key": meta.key,
        "headers": meta.headers or {},
        "lease_seconds": meta.lease_seconds,
        "max_attempts": meta.max_attempts,
        "published_by": meta.by,
        "lease": None,
        "end": end if isinstance(end, dict) else None,
        "history": events if isinstance(events, list) else [],
    }


def result(spool: OpenSpool, job_id: str) -> bytes | None:
    """The bytes that `done` left; None when it left none, or the job is not done.

    Raises:
        UnknownJob: no such job.
        InvalidTask: larger than max_task_bytes.
    """
    place = locate(spool, job_id) if names.is_job_id(job_id) else None
    if place is None:
        return archives.unpacked(_archived(spool, job_id)[1], "result")
    if not place.has_ended:
        return None
    try:
        return ends.result(spool, job_id, place, spool.settings.max_task_bytes)
    except Foreign as error:
        raise InvalidTask(f"{error.name}: {error.reason}") from None
