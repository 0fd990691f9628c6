"""What is not ours in leased/ is neither taken for a task nor keeps a lease from its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spoolq import Spool
from spoolq.queue import internals
from spoolq.rules import records
from spoolq.verbs.reap import Reaper

if TYPE_CHECKING:
    from pathlib import Path


def _sidecar(spool: Spool, lease: str, ago_seconds: float) -> bytes:
    granted_at = internals(spool).clock.now() - ago_seconds
    return records.dump_lease(records.Lease(lease, "alpha-1", "alpha", 1, granted_at, 60.0, 1))


@pytest.mark.guarantee("I8")
def test_foreign_names_stay_and_count_as_nothing(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool")
    leased = tmp_path / "spool" / "leased"
    spool.publish(b"task")
    job = spool.get_job(0)
    strange = ["notes.txt", "x" * 250, f"copy of {job.name}", ".hidden", "a.lease", "b c.lease"]
    for name in strange:
        (leased / name).touch()
    reaper = Reaper(internals(spool))
    seen = reaper.look()
    assert (seen.returned, seen.next_at) == (0, pytest.approx(job.deadline.timestamp()))
    assert reaper.run_once().moved == 0
    assert {path.name for path in leased.iterdir()} >= {job.name, *strange[:4]}
    assert not list(leased.glob("*.grace"))


@pytest.mark.guarantee("I8")
def test_sidecar_with_nothing_but_foreign_names_goes_when_it_is_over(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool")
    leased = tmp_path / "spool" / "leased"
    (leased / "alpha-1-GONE.lease").write_bytes(_sidecar(spool, "alpha-1-GONE", 3600))
    (leased / "copy.alpha-1-GONE").touch()
    done = Reaper(internals(spool)).run_once()
    assert (done.moved, [path.name for path in leased.iterdir()]) == (0, ["copy.alpha-1-GONE"])


@pytest.mark.parametrize("lease", ["lease", "grace"])
def test_lease_that_another_client_calls_so_is_a_lease(tmp_path: Path, lease: str) -> None:
    spool = Spool.create(tmp_path / "spool")
    leased = tmp_path / "spool" / "leased"
    job_id = spool.publish(b"task")
    (leased / f"{lease}.lease").write_bytes(_sidecar(spool, lease, 3600))
    (tmp_path / "spool" / "ready" / job_id).rename(leased / f"{job_id}.1.{lease}")
    assert Reaper(internals(spool)).run_once().returned == 1
    assert list(leased.iterdir()) == []
    assert spool.get_job(0).attempt == 2
