"""Ending many jobs well at once: one sync of done/ for all of them."""

from __future__ import annotations

from contextlib import ExitStack

from spoolq.errors import LeaseLost
from spoolq.holding.storage import telling_storage_errors
from spoolq.rules import layout
from spoolq.verbs import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq.holding.job import Job


@telling_storage_errors
def done_together(jobs: Iterable[Job]) -> None:
    """As `Job.done` of each in turn, with one sync for all; see `Spool.done_many`."""
    given = tuple(dict.fromkeys(jobs))
    lost: list[LeaseLost] = []
    moved: list[Job] = []
    with ExitStack() as locked:
        # RACE: nobody renews a job that has moved; in one order, so that no two threads wait for
        # each other.
        for job in sorted(given, key=id):
            locked.enter_context(job._lock)
        try:
            for job in given:
                try:
                    if _moves(job):
                        moved.append(job)
                except LeaseLost as error:
                    lost.append(error)
        finally:
            _settle(moved)
    if lost:
        raise lost[0]


def _moves(job: Job) -> bool:
    """Rename a job's task to done/, not synced yet; False when it is done without more to do."""
    if job._ended is not None or job.attempt > 1:
        job.done()  # which tells, or leaves the record that a later attempt leaves
        return False
    if finish.done_plainly(job._spool, job.name, job.id, sync=False):
        return True
    job._accept_if_done()
    job._left("done", None)
    return False


def _settle(moved: list[Job]) -> None:
    """Sync what was renamed, and let go of it.

    CRASH: I4. Where the sync fails no job is told as done: its holder may try again.
    """
    for spool in {id(job._spool): job._spool for job in moved}.values():
        if spool.syncs_endings:
            spool.fs.sync_directory(layout.DONE)
    for job in moved:
        job._left("done", "done")
