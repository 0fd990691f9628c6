"""Finding a job without taking it: in which directory, under which name.

Exact names first (a few look-ups), listings only for what is under way or came back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spoolq.errors import InvalidName, LeaseLost
from spoolq.rules import layout, names

if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

LOOKS_BEFORE_UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A job's state directory and its name there. Attempts: counted so far (leased: running)."""

    state: str
    name: str
    attempts: int = 0
    lease: str | None = None
    due: float | None = None

    @property
    def path(self) -> str:
        """The name relative to the spool."""
        return f"{self.state}/{self.name}"

    @property
    def has_ended(self) -> bool:
        """Whether the job is done, cancelled or failed."""
        return self.state in {layout.DONE, layout.FAILED}


def locate(spool: OpenSpool, job_id: str) -> Place | None:
    """Where a job is, None when it is nowhere.

    One look can miss a job that moves the other way meanwhile; "nowhere" is believed only when
    several looks in a row agree on it. A place that was found is true of one instant of the look.
    """
    for _ in range(LOOKS_BEFORE_UNKNOWN):
        place = _look(spool, job_id)
        if place is not None:
            return place
    return None


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
    return Place(state, name, attempts) if entry is not None and entry.kind == "file" else None


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
