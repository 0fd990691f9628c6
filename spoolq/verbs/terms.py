"""When leases end: what sidecars say, and what counts when one cannot be read.

Sidecars never change, so each is read once. A missing, torn or foreign one means "leased just
now": whoever notices grants the lease a full term from that moment, as `<lease>.grace`, created
whole and exclusively for all to see.
"""

from __future__ import annotations

import math

from spoolq.disk.atomic import discard, place_whole, write_new
from spoolq.disk.filesystem import Foreign
from spoolq.rules import layout, leases, names, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq.rules.names import LeasedName
    from spoolq.verbs.context import OpenSpool


class Terms:
    """The deadlines of leases, remembered as long as the leases are seen."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._deadlines: dict[str, float] = {}
        self._noticed: dict[str, float] = {}

    def forget_all_but(self, seen: Iterable[str]) -> None:
        """Drop what is known of leases that are gone."""
        kept = set(seen)
        self._deadlines = {name: at for name, at in self._deadlines.items() if name in kept}
        self._noticed = {name: at for name, at in self._noticed.items() if name in kept}

    def deadline(self, lease: str, listed: Iterable[str], now: float) -> float:
        """When a lease ends, in server seconds; grants a grace where that is unknown.

        `listed` are the names in leased/ that end in it; only where its sidecar cannot be read are
        they looked at. Infinite when none of them is a task, or there any more.
        """
        known = self._deadlines.get(lease)
        if known is not None:
            return known
        record = read_lease(self._spool, lease, now) if names.is_lease_name(lease) else None
        tasks = names.leased_among(listed) if record is None else []
        if record is None and not self._any_still_there(tasks):
            # RACE: the last task left between the listing and the look, and took the sidecar
            # along: nothing to be judged, and no grace to be left behind.
            return math.inf
        known = record.deadline if record else self._grace(lease, tasks, now)
        self._deadlines[lease] = known
        return known

    def _any_still_there(self, tasks: Iterable[LeasedName]) -> bool:
        self._spool.fs.refresh(layout.LEASED)
        paths = (f"{layout.LEASED}/{task}" for task in tasks)
        return any(self._spool.fs.lstat(path) is not None for path in paths)

    def _grace(self, lease: str, tasks: Iterable[LeasedName], now: float) -> float:
        given = read_grace(self._spool, lease, now)
        if given is None:
            term = full_term(self._spool, tasks)
            given = _give_grace(self._spool, lease, term) or read_grace(self._spool, lease, now)
        if given is None:
            # Something foreign stands where the grace should: count from when this process saw it.
            seen = self._noticed.setdefault(lease, max(now, self._spool.clock.now()))
            given = seen + full_term(self._spool, tasks)
        return given


def read_lease(spool: OpenSpool, lease: str, now: float) -> records.Lease | None:
    """What a sidecar says; None when it is missing, cut short, garbage or of the future."""
    return _read(spool, lease, layout.sidecar(lease), now)


def read_grace(spool: OpenSpool, lease: str, now: float) -> float | None:
    """The deadline of a lease's grace, None when none can be read."""
    record = _read(spool, lease, layout.grace(lease), now)
    return record.deadline if record else None


def _read(spool: OpenSpool, lease: str, path: str, now: float) -> records.Lease | None:
    # NFS: a lease's name is new, so no look-up of it was ever remembered as absent.
    data = spool.read_record(path)
    record = records.load_lease(lease, data) if data is not None else None
    if record is None or leases.is_plausible(record.granted_at, now):
        return record
    # RACE: I5. A look can hang for longer than a lease lasts, and meet a grace given meanwhile:
    # by the time that it began with, that would be one of the future, and not count.
    is_plausible = leases.is_plausible(record.granted_at, spool.clock.estimate())
    return record if is_plausible else None


def full_term(spool: OpenSpool, tasks: Iterable[LeasedName]) -> float:
    """The longest term that any of these tasks is usually leased for, in seconds."""
    own = [spool.meta(task.id).lease_seconds for task in tasks]
    return max([spool.settings.lease_seconds, *[term for term in own if term is not None]])


def _give_grace(spool: OpenSpool, lease: str, term: float) -> float | None:
    draft = f"{layout.TMP}/{spool.token()}.grace"
    given: list[records.Lease] = []

    def contents(stamp: float) -> bytes:
        given.append(records.Lease(lease, spool.owner, spool.host, spool.pid(), stamp, term, 0))
        return records.dump_lease(given[0])

    write_new(spool.fs, spool.clock, draft, contents, sync=spool.syncs_endings)
    return given[0].deadline if place_whole(spool.fs, draft, layout.grace(lease)) else None


def sweep_sidecar(spool: OpenSpool, lease: str, now: float) -> bool:
    """Remove the sidecar and grace of a lease without tasks, once its term must be over.

    Only what is ours goes: readable records past their deadline, and torn ones that are older than
    a full term.
    """
    swept = False
    for path in (layout.sidecar(lease), layout.grace(lease)):
        if _is_leftover(spool, lease, path, now) and discard(spool.fs, path):
            swept = True
    return swept


def _is_leftover(spool: OpenSpool, lease: str, path: str, now: float) -> bool:
    try:
        data = spool.fs.read_record(path, records.MAX_RECORD_BYTES)
    except (OSError, Foreign):
        return False
    record = records.load_lease(lease, data)
    if record is not None and leases.is_plausible(record.granted_at, now):
        return leases.is_over(record.deadline, now)
    entry = spool.fs.lstat(path)
    if entry is None or not records.is_torn_lease(data):
        return False
    return leases.is_over(entry.modified_at + spool.settings.lease_seconds, now)
