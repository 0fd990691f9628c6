"""`spoolq slurm` on a real Slurm: workers begin, are cancelled, requeued, out of time; nothing is lost.

All of it runs on one cluster at once, as Slurm looks at time limits (of whole minutes) only every
half a minute: what takes long is submitted when the cluster comes up, and looked at last.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import slurm as support_slurm
from support.command_line import command
from support.processes import environment
from support.waits import eventually

from spoolq import JobStatus, Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = support_slurm.missing()
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="slurmd runs jobs as their users: needs root"),
    pytest.mark.skipif(bool(MISSING), reason=f"Slurm is not installed: no {', '.join(MISSING)}"),
    pytest.mark.timeout(400),
]
PATIENCE_SECONDS = 180
LONG = 'echo "task $SLURM_ARRAY_TASK_ID"; while [ ! -e "{go}" ]; do sleep 0.1; done'


class Place:
    """A spool, workers for it as Slurm jobs, and a file that lets its long commands end."""

    def __init__(self, slurm: support_slurm.Slurm, name: str) -> None:
        self.slurm, self.name = slurm, name
        self.directory = slurm.place.parent / name
        self.directory.mkdir()
        self.spool = Spool.create(self.directory / "spool", durability="off")
        self.go = self.directory / "go"
        self.job = ""

    def submit(self, *words: str) -> str:
        """Submit workers; the id of the array job."""
        env = environment(SPOOLQ_DIR=self.spool.path) | self.slurm.env
        output = f"output={self.directory}/%a.txt"
        ran = subprocess.run(
            [*command("slurm", "--submit", "-o", output, *words)],
            env=env, capture_output=True, text=True, check=False, cwd=self.directory,
        )  # fmt: skip
        assert ran.returncode == 0, (ran, self.slurm.said())
        self.job = ran.stdout.strip()
        assert self.job.isdigit()
        return self.job

    def long_job(self) -> str:
        """Publish a job whose command runs until `go` is there."""
        return self.spool.publish(LONG.format(go=self.go).encode())

    def runs_of(self, job_id: str) -> list[str]:
        """What each run of a long job printed first: which task of the array it ran in."""
        logs = sorted(Path(self.spool.path, "logs").glob(f"{job_id}.*.out"))
        return [line for log in logs for line in log.read_text().splitlines()]

    def begun(self, job_id: str, runs: int = 1) -> list[str]:
        """Wait until it has begun so often."""
        eventually(
            lambda: len(self.runs_of(job_id)) >= runs, PATIENCE_SECONDS, f"{self.name}: begun"
        )
        return self.runs_of(job_id)

    def given_back(self, job_id: str) -> None:
        """Wait until the job waits for another worker, its attempt not counted."""
        eventually(
            lambda: self.spool.get(job_id).status is JobStatus.READY,
            PATIENCE_SECONDS,
            f"{self.name}: given back",
        )
        assert self.spool.get(job_id).reschedules == 0

    def state(self, task: int = 1) -> str:
        """What Slurm says of a task of the array."""
        told = self.slurm.run("scontrol", "show", "job", f"{self.job}_{task}")
        found = re.search(r"JobState=(\w+)", told)
        assert found, told
        return found[1]

    def ends_as(self, *states: str, task: int = 1) -> None:
        """Wait until a task of the array has ended so."""
        eventually(
            lambda: self.state(task) not in {"RUNNING", "PENDING", "COMPLETING"},
            PATIENCE_SECONDS,
            f"{self.name}: ended",
        )
        assert self.state(task) in states, self.printed()

    def printed(self) -> str:
        """What the workers printed, for a failing test."""
        texts = [file.read_text() for file in sorted(self.directory.glob("*.txt"))]
        return "\n".join([*texts, self.slurm.said()])


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support_slurm.Slurm]:
    cluster = support_slurm.Slurm(tmp_path_factory.mktemp("slurm") / "cluster")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module", autouse=True)
def limited(slurm: support_slurm.Slurm) -> tuple[Place, str]:
    """A worker that does not know of its limit of a minute, at a command that would go on."""
    place = Place(slurm, "limited")
    job_id = place.long_job()
    place.submit("-o", "time=1", "--", "--walltime", "1h", "--drain", "1h", "--", "sh")
    return place, job_id


@pytest.fixture(scope="module", autouse=True)
def knowing(slurm: support_slurm.Slurm) -> tuple[Place, str]:
    """A worker that finds out its limit of a minute, and goes back into the queue after it."""
    place = Place(slurm, "knowing")
    job_id = place.long_job()
    place.submit("-o", "time=1", "--again", "--", "--drain", "1h", "--", "sh")
    return place, job_id


def test_workers_begin_work_off_a_spool_and_leave(slurm: support_slurm.Slurm) -> None:
    place = Place(slurm, "plain")
    count = 60
    text = 'echo "$SLURMD_NODENAME" >> "{}"; sleep 0.1'.format(place.directory / "nodes")
    place.spool.publish_many([text.encode()] * count)
    place.submit("-n", "3", "--cpus", "2", "--", "--idle-exit", "1s", "--", "sh")
    for task in (1, 2, 3):
        place.ends_as("COMPLETED", task=task)
    stats = place.spool.stats()
    assert (stats.done, stats.failed, stats.ready) == (count, 0, 0), place.printed()
    nodes = (place.directory / "nodes").read_text().split()
    assert len(nodes) == count
    assert set(nodes) <= set(support_slurm.NODES)


def test_scancel_gives_back_what_runs_and_another_worker_does_it(
    slurm: support_slurm.Slurm,
) -> None:
    place = Place(slurm, "cancelled")
    job_id = place.long_job()
    place.submit("-n", "2", "--", "--idle-exit", "5m", "--", "sh")
    (told,) = place.begun(job_id)
    first = int(told.removeprefix("task "))
    slurm.run("scancel", f"{place.job}_{first}")
    assert sorted(place.begun(job_id, 2)) == ["task 1", "task 2"]
    place.go.touch()
    eventually(lambda: place.spool.get(job_id).status is JobStatus.DONE, PATIENCE_SECONDS)
    assert place.spool.get(job_id).reschedules == 0
    place.ends_as("CANCELLED", task=first)
    slurm.run("scancel", place.job)


def test_requeued_it_gives_back_what_runs_and_begins_again(slurm: support_slurm.Slurm) -> None:
    place = Place(slurm, "requeued")
    job_id = place.long_job()
    place.submit("--", "--idle-exit", "1s", "--", "sh")
    place.begun(job_id)
    slurm.run("scontrol", "requeue", f"{place.job}_1")
    place.given_back(job_id)
    eventually(lambda: place.state() == "PENDING", PATIENCE_SECONDS)
    place.go.touch()
    slurm.run("scontrol", "update", f"JobId={place.job}_1", "StartTime=now")
    place.ends_as("COMPLETED")
    assert place.spool.get(job_id).status is JobStatus.DONE
    assert place.spool.get(job_id).reschedules == 0


def test_a_worker_that_knows_its_limit_gives_back_in_time_and_goes_back_into_the_queue(
    knowing: tuple[Place, str],
) -> None:
    place, job_id = knowing
    place.begun(job_id)
    place.given_back(job_id)
    eventually(lambda: place.state() == "PENDING", PATIENCE_SECONDS, "requeued")
    assert "Restarts=1" in place.slurm.run("scontrol", "show", "job", f"{place.job}_1")
    place.slurm.run("scancel", place.job)


def test_a_worker_that_hits_its_limit_loses_nothing(limited: tuple[Place, str]) -> None:
    place, job_id = limited
    place.begun(job_id)
    place.given_back(job_id)
    place.ends_as("TIMEOUT")
    place.go.touch()
    subprocess.run(
        command("work", "-s", place.spool.path, "--until-empty", "--", "sh"),
        env=environment(), check=True, timeout=60,
    )  # fmt: skip
    assert place.spool.get(job_id).status is JobStatus.DONE
    assert len(place.runs_of(job_id)) == 2
