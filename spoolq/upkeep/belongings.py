"""Records whose job is gone, jobs whose record is gone, and leftovers in sys/tmp/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.rules import layout, names
from spoolq.verbs import keys
from spoolq.verbs.locate import job_of, locate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.verbs.context import OpenSpool

_PRUNE = "'spoolq prune' sweeps it"


def orphans(spool: OpenSpool, present: set[str]) -> Iterator[tuple[str, ...]]:
    """(path, what, advice, remedy) for whatever belongs to nothing."""
    kept = {name for name in spool.fs.iterate(layout.TMP) if names.is_job_id(name)}
    for state in layout.STATES:
        kept |= {job for name in spool.fs.iterate(state) if (job := job_of(state, name))}
    for state in (layout.DONE, layout.FAILED):
        for name in spool.fs.iterate(state):
            ended = names.parse_ended(name)
            if ended and ended[1] in {"end", "result"} and _is_gone(spool, ended[0], kept):
                yield f"{state}/{name}", "a record of a job that is not there", _PRUNE, "sweep"
    if present >= {layout.META, layout.HISTORY, layout.KEYS}:
        yield from _records(spool, kept)
    yield from _leftovers(spool)


def _is_gone(spool: OpenSpool, job_id: str, kept: set[str]) -> bool:
    return job_id not in kept and locate(spool, job_id) is None


def _records(spool: OpenSpool, kept: set[str]) -> Iterator[tuple[str, ...]]:
    recorded = set(spool.fs.iterate(layout.META))
    for name in recorded:
        if names.is_job_id(name) and _is_gone(spool, name, kept):
            yield layout.meta(name), "options of a job that is not there", _PRUNE, "sweep"
    for name in spool.fs.iterate(layout.HISTORY):
        job_id = names.parse_history(name)
        if job_id is not None and _is_gone(spool, job_id, kept):
            yield f"{layout.HISTORY}/{name}", "history of a job that is not there", _PRUNE, "sweep"
    for job_id in kept - recorded:
        if names.has_options(job_id) and locate(spool, job_id):
            yield layout.meta(job_id), "missing", "the job's own options are lost: defaults hold"
    for key in spool.fs.iterate(layout.KEYS):
        holder = keys.held_by(spool, key) if names.is_key(key) else ""
        if holder and _is_gone(spool, holder, kept):
            yield (
                f"{layout.KEYS}/{key}",
                "leads to no job",
                "the next publish of this key mends it",
                "key",
            )


def _leftovers(spool: OpenSpool) -> Iterator[tuple[str, ...]]:
    oldest = spool.clock.estimate() - 2 * spool.settings.sweep_seconds
    for name in spool.fs.iterate(layout.TMP):
        if name.endswith(".probe"):
            # NFS: on NFS 3 a file that a probe creates exclusively bears a nonsense stamp at first.
            continue
        entry = spool.fs.lstat(f"{layout.TMP}/{name}")
        if entry is not None and entry.modified_at < oldest:
            yield (
                f"{layout.TMP}/{name}",
                "left by a dead process",
                "'spoolq reap' sweeps what is ours",
                "sweep",
            )
