"""explain: looks at one job and its surroundings, for the rules to say why it does not run."""

from __future__ import annotations

from spoolq.looking.census import count_state
from spoolq.looking.crew import workers
from spoolq.looking.overview import paused
from spoolq.looking.recent import recent
from spoolq.rules import layout, names, records
from spoolq.rules.reasons import Situation
from spoolq.verbs import listing, terms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from spoolq.jobs import JobInfo
    from spoolq.verbs.context import OpenSpool

_EPOCH = records.to_datetime(0.0)
_STATES = {status: state for state, status in listing.STATUS_OF.items()}
MOST_LEASES = 1000


def situation(spool: OpenSpool, job: JobInfo) -> Situation:
    """Where the job stands and what surrounds it now.

    Costs a listing of each state directory for a job that waits, and next to nothing otherwise.
    """
    now = spool.clock.estimate()
    state = _STATES.get(job.status, "")
    if state == layout.LEASED:
        return _held(spool, job, now)
    if state not in {layout.READY, layout.DELAYED}:
        return Situation(now, state, outcome=job.outcome, reason=job.reason)
    counts = {
        one: count_state(spool, one, now) for one in (layout.LEASED, layout.DONE, layout.FAILED)
    }
    lately = recent(spool, counts, now)
    return Situation(
        now=now,
        state=state,
        attempts=job.reschedules,
        reason=job.reason,
        due=_seconds(job.next_execution_at),
        paused=paused(spool),
        before=_before(spool, job.id) if state == layout.READY else 0,
        workers=workers(spool),
        held=_held_count(spool, list(counts[layout.LEASED].leases), now),
        per_minute=lately.per_minute(lately.done + lately.failed),
    )


def _held(spool: OpenSpool, job: JobInfo, now: float) -> Situation:
    held = next((n for n in _leased(spool) if n.id == job.id), None)
    record = terms.read_lease(spool, held.lease, now) if held is not None else None
    return Situation(
        now=now,
        state=layout.LEASED,
        attempts=job.attempt,
        deadline=_seconds(job.deadline),
        owner=job.owner,
        host=record.host if record else None,
        pid=record.pid if record else None,
    )


def _leased(spool: OpenSpool) -> list[names.LeasedName]:
    found = map(names.parse_leased, spool.fs.iterate(layout.LEASED))
    return [name for name in found if name is not None]


def _before(spool: OpenSpool, job_id: str) -> int:
    """Jobs of ready/ whose names sort first: consumers take them in this order, nearly."""
    return sum(
        name < job_id and names.is_ready_name(name) is not None
        for name in spool.fs.iterate(layout.READY)
    )


def _held_count(spool: OpenSpool, leases: list[str], now: float) -> int:
    """How many leases are not over, as far as that is worth knowing."""
    found = (terms.read_lease(spool, lease, now) for lease in leases[:MOST_LEASES])
    return sum(record is not None and record.deadline > now for record in found)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - _EPOCH).total_seconds()
