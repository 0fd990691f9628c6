"""What the histories must say: everything acknowledged ended, and nobody got what was not to be had."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from support.grants import CLOCK_GRAIN, Grant, check_grants, grants_by_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_GROWTH, LEAST_GROWTH_BYTES = 1.5, 16 << 20


def lines(logs: Path, verb: str) -> Iterator[tuple[float, str, list[str]]]:
    """All lines of this verb: moment, what, facts."""
    for log in sorted(logs.glob("*.log")):
        for line in log.read_text().splitlines():
            said, moment, what, *facts = line.split()
            if said == verb:
                yield float(moment), what, facts


def complaints(logs: Path, lease_seconds: float) -> Iterator[str]:
    """What is wrong, one sentence each; the jobs that ended stand in the logs as `ended` lines."""
    ended: dict[str, float] = {}
    for moment, job_id, _ in lines(logs, "ended"):
        ended[job_id] = min(moment, ended.get(job_id, moment))
    grants = grants_by_job(logs)
    for _, name, (job_id, *_) in lines(logs, "published"):
        if job_id not in ended:
            yield f"lost: {name}, {job_id}, was acknowledged and never ended: {grants.get(job_id)}"
    for job_id, of_job in grants.items():
        try:
            check_grants(job_id, of_job)
            check_attempts(job_id, of_job)
            did = [grant.did_at for grant in of_job if grant.did_at is not None]
            check_ended(job_id, min([ended.get(job_id, math.inf), *did]), of_job, lease_seconds)
        except AssertionError as error:
            yield str(error)


def check_attempts(job_id: str, grants: list[Grant]) -> None:
    """Each attempt has a higher number than the one before, unless that was released."""
    for earlier, later in itertools.pairwise(grants):
        is_same = earlier.lease.rsplit("-", 1)[0] == later.lease.rsplit("-", 1)[0]
        least = earlier.attempt + (0 if earlier.released or is_same else 1)
        assert later.attempt >= least, f"attempts of {job_id} do not grow: {grants}"


def check_ended(job_id: str, ended: float, grants: list[Grant], lease_seconds: float) -> None:
    """Nobody is given what had ended, or was told so: a deadline tells when a lease was given."""
    for grant in grants:
        given = grant.deadline - lease_seconds
        assert given < ended + CLOCK_GRAIN, f"{job_id} ended at {ended}, then: {grants}"


def memory_complaint(early: Mapping[str, int], late: Mapping[str, int]) -> Iterator[str]:
    """Long-lived processes stay as large as they are."""
    for name, before in early.items():
        if late[name] > max(before * MOST_GROWTH, before + LEAST_GROWTH_BYTES):
            yield f"the {name} grew from {before} to {late[name]} bytes"
