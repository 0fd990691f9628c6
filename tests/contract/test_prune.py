"""prune: what has ended and is old goes, with everything that belongs to it, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import assert_spool_tidy, everything_under, jobs_on_disk, names
from support.waits import eventually

from spoolq import InvalidSetting, JobStatus, UnknownJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def full_life(spool: Spool, name: str, ending: Callable[[Any], Any]) -> str:
    """A job with everything a job can have: key, headers, history, and an end."""
    job_id = spool.publish(name.encode(), key=name, headers={"n": name}, priority=0)
    spool.get_job(timeout=0).fail("at first", delay=0)
    job = spool.get_job(timeout=0)
    assert job.id == job_id
    ending(job)
    return job_id


def test_prune_leaves_no_trace_of_a_done_job(spool: Spool) -> None:
    before = set(everything_under(spool.path))
    job_id = full_life(spool, "done", lambda job: job.done(b"result"))
    assert spool.prune(older_than_seconds=0).removed == 1
    assert spool.get(job_id).status is JobStatus.UNKNOWN
    with pytest.raises(UnknownJob):
        spool.result(job_id)
    after = set(everything_under(spool.path))
    left = {name for name in after - before if not name.startswith(("sys/locks", "sys/history"))}
    assert not [name for name in after if job_id in name]
    assert names(spool.path, "sys/history") == []
    assert not left


def test_failed_jobs_stay_unless_asked_for(spool: Spool) -> None:
    failed = full_life(spool, "failed", lambda job: job.fail("no", retry=False))
    done = full_life(spool, "done", lambda job: job.done())
    cancelled = spool.publish(b"cancelled")
    spool.cancel(cancelled)
    assert spool.prune(older_than_seconds=0).removed == 2
    assert {spool.get(job_id).status for job_id in (done, cancelled)} == {JobStatus.UNKNOWN}
    assert spool.get(failed).status is JobStatus.FAILED
    assert spool.prune(older_than_seconds=0, failed=True).removed == 1
    assert jobs_on_disk(spool.path) == {}
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I3")
def test_prune_never_touches_what_has_not_ended(spool: Spool) -> None:
    spool.publish(b"leased")
    spool.get_job(timeout=0)
    spool.publish(b"delayed", delay=3600)
    spool.publish(b"ready", key="k", headers={"a": "b"})
    before = everything_under(spool.path)
    assert spool.prune(older_than_seconds=0, failed=True).removed == 0
    after = everything_under(spool.path)
    assert {n: c for n, c in after.items() if not n.startswith("sys/locks")} == {
        n: c for n, c in before.items() if not n.startswith("sys/locks")
    }


def test_what_is_younger_than_the_retention_stays(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(retention_seconds=3600)
    job_id = full_life(spool, "done", lambda job: job.done(b"result"))
    assert spool.prune().removed == 0
    assert spool.prune(older_than_seconds=1800).removed == 0
    assert spool.result(job_id) == b"result"


def test_age_counts_from_the_end_not_from_the_publishing(
    make_spool: Callable[..., Spool],
) -> None:
    import os
    from pathlib import Path

    spool = make_spool()
    job_id = spool.publish(b"published long ago")
    os.utime(Path(spool.path) / "ready" / job_id, (0, 0))
    spool.get_job(timeout=0).done()
    assert spool.prune(older_than_seconds=60).removed == 0
    assert spool.get(job_id).status is JobStatus.DONE


def test_default_retention_is_the_spools(make_spool: Callable[..., Spool]) -> None:
    from support.waits import eventually

    spool = make_spool(retention_seconds=0.3)
    spool.publish(b"task")
    spool.get_job(timeout=0).done()
    eventually(lambda: spool.prune().removed == 1, what="older than the retention")


@pytest.mark.parametrize("age", [-1, float("nan"), "0", True])
def test_age_that_makes_no_sense_is_refused(spool: Spool, age: Any) -> None:
    spool.publish(b"task")
    spool.get_job(timeout=0).done()
    with pytest.raises(InvalidSetting, match="older_than_seconds="):
        spool.prune(older_than_seconds=age)
    assert spool.stats().done == 1


@pytest.mark.guarantee("I5")
def test_holder_of_a_cancelled_and_pruned_job_is_told(spool: Spool) -> None:
    from spoolq import LeaseLost

    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    spool.cancel(job_id)
    spool.prune(older_than_seconds=0)
    with pytest.raises(LeaseLost):
        job.done()
    assert jobs_on_disk(spool.path) == {}


def test_logs_go_with_their_job_and_orphans_when_they_are_old(make_spool: Callable) -> None:
    spool = make_spool(sweep_seconds=60)
    logs = Path(spool.path) / "logs"
    done, waiting = spool.publish(b"", priority=0), spool.publish(b"")
    spool.get_job(timeout=0).done()
    stray = "5-20261124T020658917264-HVUYXHQQ"
    made = {
        f"{done}.1.host-1-A.out": 0,
        f"{waiting}.1.host-1-A.out": 3600,
        f"{stray}.1.host-1-A.err": 3600,
        f"{stray}.1.host-1-B.err": 0,
        "notes.txt": 3600,
    }
    for name, age in made.items():
        (logs / name).touch()
        os.utime(logs / name, (time.time() - age,) * 2)
    assert spool.prune(older_than_seconds=0).removed == 1
    left = {f"{waiting}.1.host-1-A.out", f"{stray}.1.host-1-B.err", "notes.txt"}
    assert {path.name for path in logs.iterdir()} == left


def test_result_that_is_older_than_its_task_does_not_take_it_along(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    Path(spool.path, "done", f"{job_id}.result").write_bytes(b"of a done that power loss undid")
    written = time.monotonic()
    eventually(lambda: time.monotonic() > written + 3.1)
    spool.get_job(timeout=0).done()
    spool.prune(older_than_seconds=3)
    assert spool.get(job_id).status is JobStatus.DONE
