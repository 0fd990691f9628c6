"""20,000 tasks, eight processes, a SIGKILL every 100 ms: none lost, none done twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.grants import Grant, check_grants, grants_by_job
from support.processes import environment
from support.spools import assert_spool_tidy, census, names
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

TASKS, PROCESSES = 20_000, 8
SECONDS = 400  # far more than it takes: a busy machine may be slow
LEASE_SECONDS = 2.0


@pytest.mark.parametrize(
    "grants",
    [
        [Grant("h-1-A", 0, 10), Grant("h-2-B", 5, 15)],
        [Grant("h-1-A", 0, 10, did_at=5), Grant("h-2-B", 11, 20)],
        [Grant("h-1-A", 0, 10, did_at=5), Grant("h-1-B", 6, 20, did_at=7)],
    ],
    ids=["two-holders", "taken-when-done", "done-twice"],
)
def test_the_check_itself_finds_what_it_looks_for(grants: list[Grant]) -> None:
    with pytest.raises(AssertionError):
        check_grants("id", grants)


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I4")
@pytest.mark.guarantee("I5")
@pytest.mark.timeout(500)
def test_twenty_thousand_tasks_survive_a_kill_every_tenth_of_a_second(
    make_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = make_spool(lease_seconds=LEASE_SECONDS, sweep_seconds=1)
    logs = tmp_path / "logs"
    logs.mkdir()
    arguments = [spool.path, str(logs), str(TASKS), str(PROCESSES), str(SECONDS)]
    ran = subprocess.run(
        [sys.executable, "-m", "support.chaos", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)

    published: dict[str, str] = {}
    for log in logs.glob("published-*"):
        for line in log.read_text().splitlines():
            _, _, name, job_id = line.split()
            assert published.setdefault(name, job_id) == job_id
    assert len(published) == len(set(published.values())) == TASKS
    assert census(spool.path) == {"ready": 0, "leased": 0, "delayed": 0, "done": TASKS, "failed": 0}
    assert set(published.values()) == {
        name for name in names(spool.path, "done") if not name.endswith(".end")
    }
    for name, job_id in published.items():
        assert (Path(spool.path) / "done" / job_id).read_bytes() == name.encode()

    grants = grants_by_job(logs)
    for job_id, of_job in grants.items():
        check_grants(job_id, of_job)
    redelivered = sum(len(of_job) > 1 for of_job in grants.values())
    assert redelivered > 100
    assert told["kills"] > 100
    assert not ran.stderr, ran.stderr

    eventually(lambda: spool.reap() and not names(spool.path, "leased"), what="leases swept")
    eventually(lambda: spool.reap() and not names(spool.path, "sys/tmp"), what="drafts swept")
    assert_spool_tidy(spool.path)
    print(f"{told}, {redelivered} taken more than once")
