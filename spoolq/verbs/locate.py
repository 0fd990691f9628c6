"""Finding a job without taking it: in which directory, under which name.

Exact names first (a few look-ups), listings only for what is under way or came back.
"""

from __future__ import annotations

from spoolq.errors import InvalidName, LeaseLost
from spoolq.rules import layout, names
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

LOOKS_BEFORE_UNKNOWN = 3


class Place(NamedTuple):
    """A job's state directory and its name there. Attempts: counted so far (leased: running).

    `links`: how many names its file has, where it was looked at.
    """

    state: str
    name: str
    attempts: int = 0
    lease: str | None = None
    due: float | None = None
    links: int | None = None

    @property
    def path(self) -> str:
        """The name relative to the spool."""
        return f"{self.state}/{self.name}"

    @property
    def has_ended(self) -> bool:
        """Whether the job is done, cancelled or failed."""
        return self.state in {layout.DONE, layout.FAILED}


def job_of(state: str, name: str) -> str | None:
    """The id of the task that bears `name` in a state directory; None for all else."""
    if state == layout.READY:
        ready = names.parse_ready(name)
        return ready.id if ready else None
    if state == layout.LEASED:
        leased = names.parse_leased(name)
        return leased.id if leased else None
    if state == layout.DELAYED:
        delayed = names.parse_delayed(name)
        return delayed.id if delayed else None
    ended = names.parse_ended(name)
    return ended[0] if ended and ended[1] in {"", "cancelled"} else None


def place_of(state: str, name: str) -> Place | None:
    """The place of a task by its name in a state directory; None for foreign names and records."""
    if state == layout.LEASED:
        leased = names.parse_leased(name)
        return Place(state, name, leased.attempt, lease=leased.lease) if leased else None
    if state == layout.DELAYED:
        delayed = names.parse_delayed(name)
        return Place(state, name, delayed.attempts, due=delayed.due) if delayed else None
    if state == layout.READY:
        ready = names.parse_ready(name)
        return Place(state, name, ready.attempts) if ready else None
    return Place(state, name) if job_of(state, name) else None


def locate(spool: OpenSpool, job_id: str) -> Place | None:
    """Where a job is, None when it is nowhere.

    One look can miss a job that moves the other way meanwhile; "nowhere" is believed only when
    several looks in a row agree on it. A place that was found is true of one instant of the look.
    """
    for _ in range(LOOKS_BEFORE_UNKNOWN):
        place = _look(spool, job_id)
        if place is not None:
            return place if place.has_ended else _later_place(spool, job_id, place)
    return None


def _later_place(spool: OpenSpool, job_id: str, place: Place) -> Place:
    """The place, unless the file has another name too, after a power cut, and a later one."""
    entry = None if place.links == 1 else spool.fs.lstat(place.path)
    if entry is None or entry.links == 1:
        return place
    from spoolq.verbs import doubles  # noqa: PLC0415 - hardly ever

    return doubles.later_place(spool, job_id, place, entry.inode)


def _look(spool: OpenSpool, job_id: str) -> Place | None:
    # RACE: in the order that jobs travel, so that one which moves on is met further down.
    return (
        _exact(spool, layout.READY, job_id)
        or _delayed(spool, job_id)
        or leased_place(spool, job_id)
        or ended_place(spool, job_id)
        or _returned(spool, job_id)
    )


def _exact(spool: OpenSpool, state: str, name: str, attempts: int = 0) -> Place | None:
    # NFS: a name asked for too early is remembered as absent for 30 s, one that moved on as
    # present; opening the directory first renews both.
    spool.fs.refresh(state)
    entry = spool.fs.lstat(f"{state}/{name}")
    if entry is None or entry.kind != "file":
        return None
    return Place(state, name, attempts, links=entry.links)


def _delayed(spool: OpenSpool, job_id: str) -> Place | None:
    for name in spool.fs.iterate(layout.DELAYED):
        if job_id in name:
            parsed = names.parse_delayed(name)
            if parsed is not None and parsed.id == job_id:
                return Place(layout.DELAYED, name, parsed.attempts, due=parsed.due)
    return None


def leased_place(spool: OpenSpool, job_id: str) -> Place | None:
    """The job's place in leased/, None when it is not there."""
    prefix = job_id + "."
    for name in spool.fs.iterate(layout.LEASED):
        if name.startswith(prefix):
            parsed = names.parse_leased(name)
            if parsed is not None:
                return Place(layout.LEASED, name, parsed.attempt, lease=parsed.lease)
    return None


def ended_place(spool: OpenSpool, job_id: str) -> Place | None:
    """The job's place in done/ or failed/, None when it has not ended."""
    return (
        _exact(spool, layout.FAILED, job_id)
        or _exact(spool, layout.DONE, job_id)
        or _exact(spool, layout.DONE, f"{job_id}.cancelled")
    )


def _returned(spool: OpenSpool, job_id: str) -> Place | None:
    """A job that was given out before and waits again: `ready/<id>.<n>`, found by listing."""
    prefix = job_id + "."
    for name in spool.fs.iterate(layout.READY):
        if name.startswith(prefix):
            parsed = names.parse_ready(name)
            if parsed is not None:
                return Place(layout.READY, name, parsed.attempts)
    return None


def only_task_under(spool: OpenSpool, lease: str) -> names.LeasedName:
    """The one task that a lease covers.

    Raises:
        InvalidName: not a lease, or one that covers several tasks: name the file then.
        LeaseLost: no task is under that lease (any more).
    """
    if not names.is_lease_name(lease):
        raise InvalidName(f"not a lease or a leased file: {lease[:200]!r}")
    parsed = map(names.parse_leased, spool.fs.iterate(layout.LEASED))
    found = [name for name in parsed if name is not None and name.lease == lease]
    if not found:
        raise LeaseLost("", lease, "no task is under it")
    if len(found) > 1:
        raise InvalidName(f"lease {lease} covers {len(found)} tasks: name the leased file")
    return found[0]


def was_released(spool: OpenSpool, job_id: str, attempt: int) -> bool:
    """NFS: whether a release of this attempt was done and its reply lost.

    Only its holder's own release can leave an attempt's number uncounted.
    """
    if not spool.fs.is_network:
        return False
    place = locate(spool, job_id)
    if place is None or place.has_ended:
        return False
    return place.attempts - bool(place.lease) == attempt - 1
