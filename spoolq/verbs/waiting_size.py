"""How much waits in a spool: jobs that are ready or delayed, and the bytes of their tasks."""

from __future__ import annotations

from spoolq.rules import layout
from spoolq.verbs.locate import job_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

MOST_LOOKS = 1000


def waiting(spool: OpenSpool, *, with_sizes: bool) -> tuple[int, int]:
    """(jobs, bytes) that wait. Costs two listings, and a look at up to 1,000 tasks for the bytes.

    The bytes are exact up to 1,000 jobs; of more, evenly chosen ones stand for the rest.
    """
    found = [
        f"{state}/{name}"
        for state in (layout.READY, layout.DELAYED)
        for name in spool.fs.iterate(state)
        if job_of(state, name) is not None
    ]
    if not with_sizes or not found:
        return len(found), 0
    chosen = found[:: max(1, len(found) // MOST_LOOKS)][:MOST_LOOKS]
    entries = [spool.fs.lstat(path) for path in chosen]
    sizes = [entry.size for entry in entries if entry is not None]
    return len(found), round(sum(sizes) / max(1, len(sizes)) * len(found))
