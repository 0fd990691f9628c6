"""prune: done jobs that retention does not keep go, with everything that belongs to them.

In small steps, so that consumers can do it in passing and a million jobs make no burst: a directory
is read as the steps go on, never as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from spoolq.disk.atomic import discard
from spoolq.rules import layout, names
from spoolq.rules.retention import SECOND, Tally
from spoolq.verbs import doubles, keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spoolq.rules.retention import Keep
    from spoolq.verbs.context import OpenSpool

NAMES_A_STEP = 256
MOST_REMEMBERED = 100_000
"""After so many removed jobs history and logs are gone through for what is theirs."""


def prune(spool: OpenSpool, keep: Keep, *, failed: bool) -> int:
    """Remove the jobs that are done (or cancelled) and not kept; failed ones by age, when asked.

    Returns:
        How many jobs this call removed.
    """
    return sum(steps(spool, keep, failed=failed))


def steps(spool: OpenSpool, keep: Keep, *, failed: bool) -> Iterator[int]:
    """As `prune`, a few file operations at a time; yields how many jobs each step removed."""
    # Zero means all: "now" is a lower bound and would spare what ended this very tick.
    ended_by = spool.surely_past() - keep.seconds if keep.seconds else math.inf
    last_to_go = ""
    if keep.counts:
        tally = Tally()
        for _ in _count(spool, tally, with_sizes=keep.size_bytes > 0):
            yield 0
        last_to_go = tally.last_to_go(keep)
    for state in [layout.DONE, layout.FAILED] if failed else [layout.DONE]:
        one = _Pruning(spool, state, ended_by, last_to_go if state == layout.DONE else "")
        yield from one.steps()


def remove(spool: OpenSpool, job_ids: Iterable[str]) -> Iterator[int]:
    """Remove these jobs from done/, and all that belongs to them, a few operations at a time."""
    one = _Pruning(spool, layout.DONE, math.inf, "")
    for job_id in job_ids:
        yield one.remove_job(job_id)
    yield from one.remove_belongings()


def _count(spool: OpenSpool, tally: Tally, *, with_sizes: bool) -> Iterator[None]:
    for position, name in enumerate(spool.fs.iterate(layout.DONE)):
        if with_sizes or position % NAMES_A_STEP == 0:
            yield
        parsed = names.parse_ended(name)
        if parsed is None:
            continue
        entry = spool.fs.lstat(f"{layout.DONE}/{name}") if with_sizes else None
        size = entry.size if entry is not None and entry.kind == "file" else 0
        tally.add(parsed[0], is_task=parsed[1] in {"", "cancelled"}, size=size)


@dataclass(slots=True)
class _Pruning:
    """One state directory being pruned: which jobs go, and which have gone."""

    spool: OpenSpool
    state: str
    ended_by: float
    last_to_go: str
    gone: set[str] = field(default_factory=set)

    def steps(self) -> Iterator[int]:
        for position, name in enumerate(self.spool.fs.iterate(self.state)):
            parsed = names.parse_ended(name)
            if parsed is not None and self._goes(name, parsed[0]):
                yield self._remove(name, *parsed)
            elif position % NAMES_A_STEP == 0:
                yield 0
            if len(self.gone) >= MOST_REMEMBERED:
                yield from self.remove_belongings()
        yield from self.remove_belongings()

    def _goes(self, name: str, job_id: str) -> bool:
        is_surplus = bool(self.last_to_go) and job_id[SECOND] <= self.last_to_go
        # A job cannot have ended before it was published: most young jobs are told by their names.
        published = names.published_at(job_id)
        if not is_surplus and (published is None or published > self.ended_by):
            return False
        # The rename that ended the job stamped the inode's change time, with the server's clock;
        # its record and result were renamed after it.
        entry = self.spool.fs.lstat(f"{self.state}/{name}")
        if entry is None or entry.kind != "file":
            return False
        if entry.links > 1:
            # CRASH: I4. A name that a power cut gave back would live on as a job that waits.
            doubles.settle(self.spool, job_id)
        return is_surplus or entry.changed_at <= self.ended_by

    def _remove(self, name: str, job_id: str, kind: str) -> int:
        """Remove one name. RACE: a task goes before its record: of several pruners, or a retry,
        one wins it, and nobody meets a done job whose result has gone."""
        fs = self.spool.fs
        if kind in {"", "cancelled"}:
            if not discard(fs, f"{self.state}/{name}"):
                return 0
            if self.state == layout.FAILED:
                discard(fs, f"{self.state}/{job_id}.end")
            self._has_gone(job_id)
            return 1
        if self.state == layout.FAILED:
            return 0  # it goes with its task; one without is a retried job's
        removed = 0
        if job_id not in self.gone:
            for task in (job_id, f"{job_id}.cancelled"):
                entry = fs.lstat(f"{self.state}/{task}")
                if entry is None:
                    continue
                # CRASH: a result can be older than its task, left by a done that power loss undid.
                if not self._goes(task, job_id):
                    return 0
                if discard(fs, f"{self.state}/{task}"):
                    self._has_gone(job_id)
                    removed = 1
        discard(fs, f"{self.state}/{name}")
        return removed

    def remove_job(self, job_id: str) -> int:
        """Remove a job by its id, the task before what goes with it; 0 when somebody else did."""
        tasks = (job_id, f"{job_id}.cancelled")
        removed = any(discard(self.spool.fs, f"{self.state}/{task}") for task in tasks)
        for kind in ("end", "result"):
            discard(self.spool.fs, f"{self.state}/{job_id}.{kind}")
        self._has_gone(job_id)
        return int(removed)

    def _has_gone(self, job_id: str) -> None:
        self.gone.add(job_id)
        if names.has_options(job_id):
            key = self.spool.meta(job_id).key
            if key is not None:
                keys.let_go(self.spool, key, job_id)
            discard(self.spool.fs, layout.meta(job_id))

    def remove_belongings(self) -> Iterator[int]:
        if not self.gone:
            return
        for directory in (layout.HISTORY, layout.LOGS):
            for position, name in enumerate(self.spool.fs.iterate(directory)):
                if name.partition(".")[0] in self.gone:
                    discard(self.spool.fs, f"{directory}/{name}")
                    yield 0
                elif position % NAMES_A_STEP == 0:
                    yield 0
        self.gone.clear()
