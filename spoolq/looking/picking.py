"""ls: the jobs that somebody asks for, without looking at those that cannot be meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from spoolq.rules import names
from spoolq.verbs import keys, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from spoolq.jobs import JobInfo, JobStatus
    from spoolq.verbs.context import OpenSpool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs: all that is given must hold.

    Attributes:
        since: published at this server time or later.
        owner: a shell pattern for who holds the job, or ended it where a record says so.
        key: the unique key it was published with.
        headers: texts it was published with.
    """

    since: float | None = None
    owner: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def pick(spool: OpenSpool, statuses: Sequence[JobStatus], wanted: Wanted) -> Iterator[JobInfo]:
    """The wanted jobs of these statuses, status by status, each in the order of its names.

    A key leads to its job at once; other jobs are told apart by their ids as far as that goes.
    """
    is_meant = _by_id(spool, wanted)
    for job in _candidates(spool, statuses, wanted, is_meant):
        if wanted.owner is None or (job.owner and fnmatchcase(job.owner, wanted.owner)):
            yield job


def _candidates(
    spool: OpenSpool,
    statuses: Sequence[JobStatus],
    wanted: Wanted,
    is_meant: Callable[[str], bool],
) -> Iterator[JobInfo]:
    if wanted.key is None:
        for status in dict.fromkeys(statuses):
            yield from listing.each(spool, status, is_meant)
        return
    holder = keys.held_by(spool, wanted.key) if names.is_key(wanted.key) else ""
    if holder and is_meant(holder):
        job = listing.get(spool, holder)
        if job.status in statuses:
            yield job


def _by_id(spool: OpenSpool, wanted: Wanted) -> Callable[[str], bool]:
    since = "" if wanted.since is None else names.format_time(wanted.since)
    headers = dict(wanted.headers)

    def is_meant(job_id: str) -> bool:
        if job_id[2:23] < since:
            return False
        if not headers:
            return True
        # A job without a record of options has no headers, and its id says so.
        own = spool.meta(job_id).headers if names.has_options(job_id) else None
        return own is not None and headers.items() <= own.items()

    return is_meant


ORDERS: dict[str, Callable[[JobInfo], object]] = {
    "published": lambda job: job.published_at,
    "priority": lambda job: job.priority,
    "attempt": lambda job: job.attempt,
    "due": lambda job: job.next_execution_at,
    "owner": lambda job: job.owner,
    "reason": lambda job: job.reason,
}
"""What jobs can be sorted by; those that have nothing to tell come last."""


def in_order(jobs: Iterator[JobInfo], order: str, *, reverse: bool) -> list[JobInfo]:
    """All of them, sorted; equal ones by id."""
    value_of = ORDERS[order]
    found = sorted(jobs, key=lambda job: job.id, reverse=reverse)
    told = [job for job in found if value_of(job) is not None]
    told.sort(key=value_of, reverse=reverse)  # type: ignore[arg-type]
    return told + [job for job in found if value_of(job) is None]
