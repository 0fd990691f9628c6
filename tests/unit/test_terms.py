"""Terms of leases: a sidecar that went with its task is not a lost one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from spoolq import Spool
from spoolq.verbs import opening
from spoolq.verbs.terms import Terms

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.guarantee("I5")
def test_no_grace_is_left_for_a_task_that_ended_between_listing_and_look(tmp_path: Path) -> None:
    path = str(tmp_path / "spool")
    spool = Spool.create(path)
    spool.publish(b"task")
    job = spool.get_job(0)
    listed = job.name
    job.done()
    looking = opening.open_spool(path, None)
    deadline = Terms(looking).deadline(job.lease, [listed], looking.clock.now())
    assert deadline == math.inf
    assert list((tmp_path / "spool" / "leased").iterdir()) == []


@pytest.mark.guarantee("I5")
def test_lost_sidecar_of_a_task_still_held_gets_one_full_term(tmp_path: Path) -> None:
    path = str(tmp_path / "spool")
    spool = Spool.create(path, lease_seconds=30)
    spool.publish(b"task")
    job = spool.get_job(0)
    (tmp_path / "spool" / "leased" / f"{job.lease}.lease").unlink()
    looking = opening.open_spool(path, None)
    held = [job.name]
    now = looking.clock.now()
    first = Terms(looking).deadline(job.lease, held, now)
    second = Terms(opening.open_spool(path, None)).deadline(job.lease, held, now)
    assert abs(first - (now + 30)) < 2
    assert abs(first - second) < 1e-3


@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("torn", [False, True])
def test_grace_given_while_a_look_hung_counts_for_it_too(tmp_path: Path, torn: bool) -> None:
    # The simulator's seed 103053: who hung for longer than a term took the grace for one of the
    # future, and its own "now" of before for the moment at which it noticed the loss.
    path = str(tmp_path / "spool")
    spool = Spool.create(path, lease_seconds=30)
    spool.publish(b"task")
    job = spool.get_job(0)
    room = tmp_path / "spool" / "leased"
    (room / f"{job.lease}.lease").unlink()
    looking = opening.open_spool(path, None)
    held = [job.name]
    now = looking.clock.now()
    if torn:
        (room / f"{job.lease}.grace").write_bytes(b"")
        given = now + 30
    else:
        given = Terms(opening.open_spool(path, None)).deadline(job.lease, held, now)
    hung = Terms(looking).deadline(job.lease, held, now - 100)
    assert given - 0.1 <= hung < given + 30
