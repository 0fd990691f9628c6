"""prune: ended jobs older than the retention go, with everything that belongs to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from spoolq.disk.atomic import discard
from spoolq.rules import layout, names
from spoolq.verbs import keys

if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool


def prune(spool: OpenSpool, older_than_seconds: float, *, failed: bool) -> int:
    """Remove done and cancelled jobs (and failed ones when asked) that ended so long ago.

    Returns:
        How many jobs this call removed.
    """
    # Zero means all: "now" is a lower bound and would spare what ended this very tick.
    ended_by = spool.clock.fresh_now() - older_than_seconds if older_than_seconds else math.inf
    return sum(
        _prune_state(spool, state, ended_by)
        for state in ([layout.DONE, layout.FAILED] if failed else [layout.DONE])
    )


def _prune_state(spool: OpenSpool, state: str, ended_by: float) -> int:
    found = [
        (name, parsed) for name in spool.fs.iterate(state) if (parsed := names.parse_ended(name))
    ]
    beside: dict[str, list[str]] = {}
    for name, (job_id, kind) in found:
        if kind in {"end", "result"}:
            beside.setdefault(job_id, []).append(name)
    old = [
        (name, job_id)
        for name, (job_id, kind) in found
        if kind in {"", "cancelled"} and _ended_before(spool, state, name, job_id, ended_by)
    ]
    if not old:
        return 0
    histories = _by_job(spool, layout.HISTORY)
    logs = _by_job(spool, layout.LOGS)
    removed = 0
    for name, job_id in old:
        # RACE: the task's own name goes first: of several pruners, or a retry, one wins it.
        if not discard(spool.fs, f"{state}/{name}"):
            continue
        removed += 1
        paths = [f"{state}/{each}" for each in beside.get(job_id, [])]
        paths += [f"{layout.HISTORY}/{each}" for each in histories.get(job_id, [])]
        paths += [f"{layout.LOGS}/{each}" for each in logs.get(job_id, [])]
        for path in paths:
            discard(spool.fs, path)
        _drop_options(spool, job_id)
    return removed


def _drop_options(spool: OpenSpool, job_id: str) -> None:
    if not names.has_options(job_id):
        return
    key = spool.meta(job_id).key
    if key is not None:
        keys.let_go(spool, key, job_id)
    discard(spool.fs, layout.meta(job_id))


def _by_job(spool: OpenSpool, directory: str) -> dict[str, list[str]]:
    """Names in a directory by the job's id that they begin with."""
    found: dict[str, list[str]] = {}
    for name in spool.fs.iterate(directory):
        job_id = name.partition(".")[0]
        if names.is_job_id(job_id):
            found.setdefault(job_id, []).append(name)
    return found


def _ended_before(spool: OpenSpool, state: str, name: str, job_id: str, ended_by: float) -> bool:
    # A job cannot have ended before it was published: most young jobs are told by their names.
    published = names.published_at(job_id)
    if published is None or published > ended_by:
        return False
    # The rename that ended the job stamped the inode's change time, with the server's clock.
    entry = spool.fs.lstat(f"{state}/{name}")
    return entry is not None and entry.kind == "file" and entry.changed_at <= ended_by
