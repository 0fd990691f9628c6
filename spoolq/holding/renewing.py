"""Renewing many jobs at once: one new sidecar for all of them."""

from __future__ import annotations

from spoolq.holding.lease import HeldLease
from spoolq.holding.storage import telling_storage_errors
from spoolq.verbs import renew

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from spoolq.holding.job import Job


def renew_together(jobs: Sequence[Job], seconds: float) -> list[Job]:
    """Put jobs of one spool under one new lease, so that its cost is shared.

    Returns:
        The jobs that were renewed or found lost (they know). The rest are being ended at this
        moment, or the file system refused in the middle: they are under their old lease.

    Raises:
        StorageError: the file system refused before any job was renewed.
    """
    locked = [job for job in jobs if job._lock.acquire(blocking=False)]
    try:
        return _renew_locked([job for job in locked if job._ended is None], seconds)
    finally:
        for job in locked:
            job._lock.release()


@telling_storage_errors
def _renew_locked(jobs: list[Job], seconds: float) -> list[Job]:
    if not jobs:
        return []
    spool = jobs[0]._spool
    granted, renewed = renew.renew(spool, [job._held for job in jobs], seconds)
    fresh = HeldLease(spool, granted)
    decided = [job for job in jobs if job._held in renewed]
    for job in decided:
        mine = renewed[job._held]
        if mine is None:
            job._lost()
        else:
            job._moved_to(mine, fresh)
    if spool.journal is not None:
        spool.journal.write_if_due()  # a holder that is busy for long is not heard of otherwise
    return decided
