"""Who held which job, from the logs of those who did; what must be true of it. Not a test.

The lines are those of support/chaos.py: `took MOMENT ID LEASE ATTEMPT DEADLINE`, `gave-back`, `lost`
and `did MOMENT ID LEASE`.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CLOCK_GRAIN = 0.03  # seconds: a file's time may be a tick of the kernel old


@dataclass
class Grant:
    """A lease that somebody said to hold, from when until when it could be trusted."""

    lease: str
    start: float
    end: float
    did_at: float | None = None
    attempt: int = 0
    deadline: float = 0.0  # as it was given; 0: the holder could not tell
    released: bool = False


def grants_by_job(logs: Path) -> dict[str, list[Grant]]:
    """What the consumers wrote down: job id -> its grants by time.

    A holder that slept from the taking until after its deadline held nothing when it wrote; one
    that cannot tell its deadline writes the moment twice.
    """
    found: dict[str, dict[str, Grant]] = defaultdict(dict)
    for log in logs.glob("consumer-*"):
        for line in log.read_text().splitlines():
            verb, moment, job_id, lease, *facts = line.split()
            if verb == "took":
                start, end = float(moment), float(facts[1])
                told = 0.0 if end == start else end
                found[job_id][lease] = Grant(lease, min(start, end), end, None, int(facts[0]), told)
            elif verb == "did":
                found[job_id][lease].did_at = float(moment)
            elif verb in ("gave-back", "lost"):
                grant = found[job_id][lease]
                grant.end = min(grant.end, float(moment))
                grant.released = grant.released or facts == ["release"]
    return {job_id: sorted(g.values(), key=lambda x: x.start) for job_id, g in found.items()}


def check_grants(job_id: str, grants: list[Grant]) -> None:
    """No two live holders (I5); nobody takes what is done (I4); done once."""
    for earlier, later in itertools.pairwise(grants):
        if earlier.lease.rsplit("-", 1)[0] == later.lease.rsplit("-", 1)[0]:
            continue  # one process, one thread: it renewed, or took again what it had given back
        assert later.start > earlier.end - CLOCK_GRAIN, f"two holders of {job_id}: {grants}"
    doers = [grant for grant in grants if grant.did_at is not None]
    for grant in doers:
        assert grant is grants[-1] or grant.did_at > grant.end, f"taken when done: {grants}"
    on_time = [grant for grant in doers if grant.did_at is not None and grant.did_at < grant.end]
    assert len(on_time) <= 1, f"{job_id} done twice: {grants}"
