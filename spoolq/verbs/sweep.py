"""sweep: leftovers of dead processes in sys/tmp/, and records whose job is gone.

Only names of our own grammar that are older than the settings' sweep_seconds are touched.
"""

from __future__ import annotations

from spoolq.disk.atomic import discard, move
from spoolq.rules import layout, names
from spoolq.verbs import cancel, doubles, ends, keys, workers
from spoolq.verbs.locate import job_of, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

_OURS = (".task", ".key", ".event", ".grace", ".record", ".removed", ".probe", ".archive")


def sweep_tmp(spool: OpenSpool) -> int:
    """Remove or complete what dead processes left in sys/tmp/; how many."""
    found = spool.fs.list(layout.TMP)
    if not found:
        return 0
    oldest_kept = spool.surely_past() - spool.settings.sweep_seconds
    return sum(_sweep_one(spool, name, oldest_kept) for name in found)


def _sweep_one(spool: OpenSpool, name: str, oldest_kept: float) -> bool:
    path = f"{layout.TMP}/{name}"
    entry = spool.fs.lstat(path)
    if entry is None or entry.modified_at > oldest_kept:
        return False
    draft = names.parse_draft(name)
    if draft is not None and entry.kind == "file":
        return _settle_draft(spool, draft)
    if names.is_job_id(name) and entry.kind == "file":
        if entry.links > 1 and locate(spool, name) is not None:
            return discard(spool.fs, path)  # CRASH: I4. A name that a power cut gave back
        return _drop_unpublished(spool, name)
    stem, dot, suffix = name.partition(".")
    if name.startswith("clock-") or (dot and dot + suffix in _OURS and names.is_lease_name(stem)):
        return _remove(spool, path, entry.kind)
    return False


def _remove(spool: OpenSpool, path: str, kind: str) -> bool:
    if kind == "file":
        return discard(spool.fs, path)
    if kind != "directory":
        return False
    try:
        for name in spool.fs.list(path):
            if names.is_job_id(name):
                discard(spool.fs, f"{path}/{name}")
        spool.fs.rmdir(path)
    except OSError:
        return False
    return True


def _drop_unpublished(spool: OpenSpool, job_id: str) -> bool:
    """A task whose publisher died, unless a key leads to it: then it is published now."""
    key = spool.meta(job_id).key
    if key is not None and keys.held_by(spool, key) == job_id:
        target = keys.target_of(spool, key, job_id)
        if target is not None:
            return move(spool.fs, f"{layout.TMP}/{job_id}", target)
        keys.let_go(spool, key, job_id)
    if not discard(spool.fs, f"{layout.TMP}/{job_id}"):
        return False
    discard(spool.fs, layout.meta(job_id))
    return True


def _settle_draft(spool: OpenSpool, draft: names.DraftName) -> bool:
    """Place the end record of a job that ended so, spare one that may still win, drop the rest."""
    place = locate(spool, draft.id)
    if place is not None and place.lease is not None and place.attempts == draft.attempt:
        return False
    if place is not None and place.has_ended and not ends.settled(spool, draft.id, place):
        return False
    return discard(spool.fs, f"{layout.TMP}/{draft}")


def sweep_records(spool: OpenSpool) -> int:
    """Remove meta records, history, logs, ends, results and keys whose job is gone; how many.

    Lists every state directory once, so it belongs to an explicit prune, not to every consumer.
    """
    seen = spool.surely_past() - spool.settings.sweep_seconds
    swept = 0
    kept, doubles_seen = _kept_ids(spool)
    swept += sum(doubles.settle(spool, job_id) for job_id in doubles_seen)
    for directory, id_of in _RECORDS:
        for name in spool.fs.list(directory):
            job_id = id_of(name)
            if job_id is None or job_id in kept or not _is_old(spool, f"{directory}/{name}", seen):
                continue
            if locate(spool, job_id) is None:
                swept += _drop_record(spool, directory, name, job_id)
    swept += _sweep_ends(spool, kept) + _sweep_keys(spool, kept, seen)
    return swept + workers.sweep_workers(spool)


def _id_itself(name: str) -> str | None:
    return name if names.is_job_id(name) else None


def _logged_id(name: str) -> str | None:
    log = names.parse_log(name)
    return log.id if log else None


_RECORDS = (
    (layout.META, _id_itself),
    (layout.HISTORY, names.parse_history),
    (layout.LOGS, _logged_id),
)


def _kept_ids(spool: OpenSpool) -> tuple[set[str], set[str]]:
    """The ids of all jobs, and those that were met twice."""
    met: set[str] = set()
    twice: set[str] = set()
    kept = {name for name in spool.fs.iterate(layout.TMP) if names.is_job_id(name)}
    for state in layout.STATES:
        for name in spool.fs.iterate(state):
            job_id = job_of(state, name)
            if job_id is not None:
                (twice if job_id in met else met).add(job_id)
    return kept | met, twice


def _sweep_keys(spool: OpenSpool, kept: set[str], oldest_kept: float) -> int:
    """Free keys that lead nowhere: their publisher died, and its task was swept or never written."""
    swept = 0
    for key in filter(names.is_key, spool.fs.list(layout.KEYS)):
        held_by = keys.held_by(spool, key)
        path = f"{layout.KEYS}/{key}" + (f"/{held_by}" if held_by else "")
        entry = spool.fs.lstat(path)
        if held_by in kept or entry is None or entry.modified_at > oldest_kept:
            continue
        if not held_by or locate(spool, held_by) is None:
            keys.let_go(spool, key, held_by)
            swept += 1
    return swept


def _is_old(spool: OpenSpool, path: str, oldest_kept: float) -> bool:
    entry = spool.fs.lstat(path)
    return entry is not None and entry.kind == "file" and entry.modified_at <= oldest_kept


def _drop_record(spool: OpenSpool, directory: str, name: str, job_id: str) -> bool:
    if directory == layout.META:
        key = spool.meta(job_id).key
        if key is not None:
            keys.let_go(spool, key, job_id)
    return discard(spool.fs, f"{directory}/{name}")


def _sweep_ends(spool: OpenSpool, kept: set[str]) -> int:
    swept = 0
    for state in (layout.DONE, layout.FAILED):
        for name in spool.fs.list(state):
            ended = names.parse_ended(name)
            if ended is None or ended[1] not in {"end", "result"} or ended[0] in kept:
                continue
            if state == layout.FAILED and ended[1] == "end" and locate(spool, ended[0]):
                cancel.keep_end_as_history(spool, ended[0])
            elif locate(spool, ended[0]) is None:
                swept += discard(spool.fs, f"{state}/{name}")
    return swept
