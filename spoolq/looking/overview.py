"""One look at a whole spool: counts, ages, leases, workers, pause, room.

Bounded work: each directory listed once, and at most a few thousand records and look-ups, however
many jobs there are. Nothing is written but, where it may be, the scratch file that tells the time.
"""

from __future__ import annotations

from spoolq.disk import clock as clocks
from spoolq.disk.room import room_of
from spoolq.looking.census import Census
from spoolq.looking.crew import workers
from spoolq.looking.recent import recent
from spoolq.rules import layout, leases, names, records
from spoolq.rules.overview import Leases, Overview, Paused
from spoolq.verbs import pause, terms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.looking.census import Count
    from spoolq.rules.room import Room
    from spoolq.verbs.context import OpenSpool


class Lookout:
    """Looks at one spool again and again; what has not changed is not counted anew.

    Attributes:
        looks: how many there were so far.
    """

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._census = Census(spool)
        self.looks = 0

    def look(self) -> Overview:
        """The spool as it is now.

        Raises:
            OSError: the file system refused.
        """
        spool = self._spool
        self.looks += 1
        offset, now = _clocks(spool)
        counts = self._census.take(now)
        delayed = counts[layout.DELAYED]
        first_due = names.parse_time(delayed.first)
        published = names.parse_time(counts[layout.READY].first)
        return Overview(
            path=spool.fs.root,
            at=now,
            counts={state: count.jobs for state, count in counts.items()},
            oldest_ready_seconds=None if published is None else max(0.0, now - published),
            recent=recent(spool, counts, now),
            leases=_leases(spool, counts[layout.LEASED], now),
            overdue=delayed.due,
            overdue_seconds=max(0.0, now - first_due) if first_due and delayed.due else 0.0,
            next_due_at=first_due,
            workers=workers(spool),
            paused=paused(spool),
            room=_room(spool),
            clock_offset_seconds=offset,
        )


def _clocks(spool: OpenSpool) -> tuple[float | None, float]:
    """How far this host is ahead (None: not to be learnt on a read-only spool), and server time."""
    try:
        return clocks.host_ahead_seconds(spool.clock), spool.clock.now()
    except OSError:
        return None, spool.clock.estimate()


def _leases(spool: OpenSpool, count: Count, now: float) -> Leases:
    found = {lease: terms.read_lease(spool, lease, now) for lease in count.leases}
    read = [record for record in found.values() if record is not None]
    late = [now - record.deadline for record in read if leases.is_over(record.deadline, now)]
    granted = min((record.granted_at for record in read), default=None)
    return Leases(
        total=len(count.leases) + count.more_leases,
        looked_at=len(found),
        oldest_seconds=None if granted is None else max(0.0, now - granted),
        expired=len(late),
        overdue_seconds=max(late, default=0.0),
        unread=_unread(spool, {lease for lease, record in found.items() if record is None}, now),
    )


def _unread(spool: OpenSpool, missing: set[str], now: float) -> int:
    """How many leases tell no deadline at all."""
    without = {lease for lease in missing if terms.read_grace(spool, lease, now) is None}
    if not without:
        return 0
    # RACE: the last task of a lease takes its sidecar along; what is still there has lost it.
    still = {name.rpartition(".")[2] for name in spool.fs.iterate(layout.LEASED)}
    return len(without & still)


def paused(spool: OpenSpool) -> Paused | None:
    """Why nothing is given out; None when jobs are."""
    reason = pause.reason(spool)
    if reason is None:
        return None
    data = spool.read_record(layout.PAUSED)
    record = (records.load(data) if data is not None else None) or {}
    by = record.get("by")
    return Paused(reason, by if isinstance(by, str) else None, records.from_iso(record.get("at")))


def _room(spool: OpenSpool) -> Room | None:
    try:
        return room_of(spool.fs.root)
    except OSError:
        return None
