"""Names that a power cut gave back: the same file under two names of one job, and what comes of it.

btrfs leaves such after a cut (tests/faults/test_real_file_systems.py); a hard link is the same.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy, jobs_on_disk, names

from spoolq import JobStatus
from spoolq.disk.atomic import move
from spoolq.queue import internals
from spoolq.rules import layout
from spoolq.upkeep import doctor, mending
from spoolq.verbs import archiving, doubles, prune, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Job, Spool

OLD = "gone-1-AAAAAAAAAA"
DUE = "20260101T000000000000"


@pytest.fixture
def spool(make_spool: Callable[..., Spool]) -> Spool:
    """With syncs of directories, which settling asks for."""
    return make_spool(durability="full", sweep_seconds=0, max_attempts=9)


def waiting(spool: Spool) -> str:
    return spool.publish(b"task")


def delayed(spool: Spool) -> str:
    return spool.publish(b"task", delay=3600)


def taken(spool: Spool) -> Job:
    spool.publish(b"task")
    return spool.get_job(timeout=0)


def leased(spool: Spool) -> str:
    return taken(spool).id


def returned(spool: Spool) -> str:
    job = taken(spool)
    job.fail("not yet", delay=0)
    return job.id


def done(spool: Spool) -> str:
    job = taken(spool)
    job.done(b"result")
    return job.id


def cancelled(spool: Spool) -> str:
    return spool.cancel(waiting(spool)).id


def failed(spool: Spool) -> str:
    job = taken(spool)
    job.fail("no", retry=False)
    return job.id


PAIRS = [
    (waiting, "sys/tmp/{old}.task"),
    (waiting, "sys/tmp/{id}"),
    (waiting, f"delayed/{DUE}.{{id}}"),
    (delayed, "sys/tmp/{old}.task"),
    (leased, "ready/{id}"),
    (leased, f"delayed/{DUE}.{{id}}"),
    (leased, "leased/{id}.1.{old}"),
    (returned, "ready/{id}"),
    (returned, "leased/{id}.1.{old}"),
    (done, "ready/{id}"),
    (done, "ready/{id}.3"),
    (done, "leased/{id}.1.{old}"),
    (done, f"delayed/{DUE}.{{id}}.2"),
    (done, "sys/tmp/{id}"),
    (cancelled, "ready/{id}"),
    (cancelled, "leased/{id}.4.{old}"),
    (failed, "ready/{id}"),
    (failed, "leased/{id}.1.{old}"),
    (failed, f"delayed/{DUE}.{{id}}.1"),
]
every_pair = pytest.mark.parametrize(
    ("begin", "earlier"), PAIRS, ids=[f"{begin.__name__}-{name}" for begin, name in PAIRS]
)


def give_back(spool: Spool, job_id: str, earlier: str) -> tuple[str, str]:
    """Give a job's file an earlier name as well: (the name it had, the earlier one)."""
    ((now, *others),) = jobs_on_disk(spool.path).values()
    assert not others
    back = earlier.format(id=job_id, old=OLD)
    os.link(Path(spool.path, now), Path(spool.path, back))
    return now, back


def places(spool: Spool) -> list[str]:
    return [place for several in jobs_on_disk(spool.path).values() for place in several]


def settle_with_a_consumer(spool: Spool, open_again: Callable[..., Spool]) -> list[str]:
    """Take all that is given out; the ids."""
    given = []
    consumer = open_again(spool)
    while jobs := consumer.get_jobs(1, timeout=0):
        given += [job.id for job in jobs]
    consumer.reap()
    return given


@pytest.mark.guarantee("I1", "I3", "I4")
@every_pair
def test_the_later_name_stays(spool: Spool, begin: Callable[[Spool], str], earlier: str) -> None:
    job_id = begin(spool)
    now, back = give_back(spool, job_id, earlier)
    assert doubles.settle(internals(spool), job_id) == 1
    assert places(spool) == [now]
    assert not Path(spool.path, back).exists()
    assert Path(spool.path, now).read_bytes() == b"task"
    assert_spool_sound(spool.path)
    assert doubles.settle(internals(spool), job_id) == 0


@pytest.mark.guarantee("I4", "I5")
@every_pair
def test_a_job_of_two_names_is_told_and_given_out_as_one(
    spool: Spool, open_again: Callable[..., Spool], begin: Callable[[Spool], str], earlier: str
) -> None:
    job_id = begin(spool)
    known = spool.get(job_id)
    before = known.status
    now, back = give_back(spool, job_id, earlier)
    told = spool.get(job_id)
    assert (told.status, told.outcome) == (before, known.outcome)
    given = settle_with_a_consumer(spool, open_again)
    assert given == ([job_id] if before is JobStatus.READY else [])
    if before is not JobStatus.READY and not back.startswith(("sys/tmp", "leased")):
        assert places(spool) == [now]


@pytest.mark.guarantee("I4")
@pytest.mark.parametrize("how", ["prune", "by count", "archive"])
@pytest.mark.parametrize("earlier", ["ready/{id}", "leased/{id}.1.{old}", "sys/tmp/{id}"])
@pytest.mark.parametrize("begin", [done, cancelled])
def test_what_was_done_does_not_come_back_when_it_has_been_pruned(
    make_spool: Callable[..., Spool],
    open_again: Callable[..., Spool],
    begin: Callable[[Spool], str],
    earlier: str,
    how: str,
) -> None:
    spool = make_spool(sweep_seconds=0)
    job_id = begin(spool)
    give_back(spool, job_id, earlier)
    if how == "archive":
        assert archiving.archive(internals(spool), -1)[0] == 1
    elif how == "prune":
        assert spool.prune(older_than_seconds=0).removed == 1
    else:
        one = prune._Pruning(internals(spool), layout.DONE, -math.inf, last_to_go="9")
        assert sum(one.steps()) == 1
    assert job_id not in jobs_on_disk(spool.path)
    assert settle_with_a_consumer(spool, open_again) == []


@pytest.mark.parametrize("begin", [done, failed])
def test_prune_settles_all_there_are_even_when_none_goes(
    spool: Spool, begin: Callable[[Spool], str]
) -> None:
    now, _ = give_back(spool, begin(spool), "ready/{id}")
    assert spool.prune(older_than_seconds=3600).removed == 0
    assert places(spool) == [now]


def test_reap_takes_no_second_life_from_a_lease_that_a_cut_gave_back(spool: Spool) -> None:
    job_id = done(spool)
    now, _ = give_back(spool, job_id, "leased/{id}.1.{old}")
    old = {"lease": OLD, "owner": "gone", "host": "gone", "pid": 1, "lease_seconds": 1.0}
    times = {
        "granted_at": "2026-01-01T00:00:00.000000Z",
        "deadline": "2026-01-01T00:00:01.000000Z",
    }

    Path(spool.path, f"leased/{OLD}.lease").write_text(json.dumps(old | times) + "\n")
    report = spool.reap()
    assert (report.returned, report.failed) == (0, 0)
    assert places(spool) == [now]
    assert_spool_tidy(spool.path)


def test_doctor_tells_and_mends(spool: Spool) -> None:
    now, back = give_back(spool, done(spool), "ready/{id}")
    findings = doctor.examine(spool.path).findings
    assert {finding.path for finding in findings} == {now, back}
    list(mending.mend(spool.path, findings))
    assert places(spool) == [now]
    assert doctor.examine(spool.path).findings == []


@pytest.mark.guarantee("I8")
@pytest.mark.parametrize("begin", [waiting, leased, done])
def test_names_outside_the_spool_are_no_proof(
    spool: Spool, open_again: Callable[..., Spool], tmp_path: Path, begin: Callable[[Spool], str]
) -> None:
    job_id = begin(spool)
    (place,) = places(spool)
    os.link(Path(spool.path, place), tmp_path / "elsewhere")
    assert doubles.settle(internals(spool), job_id) == 0
    assert settle_with_a_consumer(spool, open_again) == []
    assert places(spool) == [place]
    assert (tmp_path / "elsewhere").read_bytes() == b"task"


@pytest.mark.guarantee("I3")
@pytest.mark.parametrize("earlier", ["ready/{id}", "failed/{id}"])
def test_two_different_files_of_one_job_are_left_to_people(spool: Spool, earlier: str) -> None:
    job_id = done(spool)
    now = places(spool)[0]
    twin = Path(spool.path, earlier.format(id=job_id))
    shutil.copy(Path(spool.path, now), twin)
    twin.chmod(0o600)
    assert doubles.settle(internals(spool), job_id) == 0
    spool.prune(older_than_seconds=3600)
    sweep.sweep_tmp(internals(spool))
    findings = doctor.examine(spool.path).findings
    assert len(findings) == 1
    assert "the same job as" in findings[0].what
    list(mending.mend(spool.path, findings))
    assert len(places(spool)) == 2


@pytest.mark.guarantee("I3")
def test_many_files_with_names_elsewhere_do_not_stop_the_queue(
    spool: Spool, tmp_path: Path
) -> None:
    for number in range(60):
        os.link(
            Path(spool.path, "ready", spool.publish(b"copied", priority=0)), tmp_path / f"{number}"
        )
    mine = spool.publish(b"mine")
    assert spool.get_job(timeout=0).id == mine
    assert len(names(spool.path, "ready")) == 60


# ----- two at it, at the same moment


@pytest.mark.guarantee("I3")
@pytest.mark.parametrize("earlier", ["ready/{id}", "leased/{id}.1.{old}", f"delayed/{DUE}.{{id}}"])
@pytest.mark.parametrize("at", range(12))
@pytest.mark.parametrize("moved", ["released", "delayed", "expired", "settled"])
def test_a_job_that_moves_while_it_is_settled_keeps_a_name(
    spool: Spool,
    open_again: Callable[..., Spool],
    monkeypatch: pytest.MonkeyPatch,
    earlier: str,
    at: int,
    moved: str,
) -> None:
    job = taken(spool)
    give_back(spool, job.id, earlier)
    fs, calls = internals(spool).fs, [0]
    other = internals(open_again(spool))

    def interrupted(operation: Callable[..., object]) -> Callable[..., object]:
        def stepped(*args: str) -> object:
            calls[0] += 1
            if calls[0] == at:
                ready, later = f"ready/{job.id}", f"delayed/20991231T000000000000.{job.id}"
                if moved == "settled":
                    doubles.settle(other, job.id)
                else:
                    target = {"released": ready, "delayed": later, "expired": f"{ready}.1"}[moved]
                    move(other.fs, f"{layout.LEASED}/{job.name}", target)
            return operation(*args)

        return stepped

    for name in ("rename", "unlink", "lstat"):
        monkeypatch.setattr(fs, name, interrupted(getattr(fs, name)))
    doubles.settle(internals(spool), job.id)
    monkeypatch.undo()
    for _ in range(3):
        doubles.settle(other, job.id)
    assert len(places(spool)) == 1
    assert Path(spool.path, places(spool)[0]).read_bytes() == b"task"
