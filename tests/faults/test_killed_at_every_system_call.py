"""The commands themselves, SIGKILLed before each system call that touches the spool."""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import tally
from support.spools import assert_spool_sound, jobs_on_disk, names, tasks_in
from support.tracing import calls_on, killed_before, why_not
from support.waits import eventually

from spoolq import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
PROCESSORS = len(os.sched_getaffinity(0))


@dataclass
class Case:
    """A command on a spool, and the states in which its death may leave the job it is about."""

    words: list[str]
    states: set[str]
    about: str = ""
    stdin: bytes = b""
    payloads: dict[str, bytes] = field(default_factory=dict)


def leased(spool: Spool) -> str:
    job = spool.get_job(timeout=0)
    assert job.task == b"about"
    return job.name


def put(*words: str) -> Callable[[Spool], Case]:
    def prepare(spool: Spool) -> Case:
        return Case(["put", *words], {"ready", "delayed"}, stdin=b"new")

    return prepare


def with_lease(state: str, *words: str) -> Callable[[Spool], Case]:
    def prepare(spool: Spool) -> Case:
        about = spool.publish(b"about", priority=0)
        return Case([*words, leased(spool)], {"leased", state}, about)

    return prepare


def get(spool: Spool) -> Case:
    about = spool.publish(b"about", priority=0)
    return Case(["get"], {"ready", "leased"}, about)


def done_with_result(spool: Spool) -> Case:
    case = with_lease("done", "done", "--result", "-")(spool)
    case.stdin = b"result"
    return case


def cancel_waiting(spool: Spool) -> Case:
    about = spool.publish(b"about", headers={"a": "b"})
    return Case(["cancel", about], {"ready", "done"}, about)


def cancel_leased(spool: Spool) -> Case:
    about = spool.publish(b"about", priority=0)
    leased(spool)
    return Case(["cancel", about], {"leased", "done"}, about)


def retry(spool: Spool) -> Case:
    about = spool.publish(b"about", priority=0)
    spool.get_job(timeout=0).fail("no", retry=False)
    return Case(["retry", about], {"failed", "ready"}, about)


def reap(spool: Spool) -> Case:
    about = spool.publish(b"about", priority=0, lease_seconds=0.05, max_attempts=1)
    due = spool.publish(b"due", delay=0.01)
    job = spool.get_job(timeout=0)
    over = job.deadline.timestamp() + 0.05
    eventually(lambda: time.time() > over)
    case = Case(["reap"], {"leased", "failed"}, about)
    case.payloads[due] = b"due"
    return case


def prune(spool: Spool) -> Case:
    about = spool.publish(b"about", priority=0, key="k")
    spool.get_job(timeout=0).done(b"result")
    return Case(["prune", "--older-than", "0"], {"done", "gone"}, about)


CASES: dict[str, Callable[[Spool], Case]] = {
    "put": put(),
    "put-with-key": put("--key", "k", "--header", "a=b"),
    "put-delayed": put("--delay", "1h"),
    "get": get,
    "done": with_lease("done", "done"),
    "done-with-result": done_with_result,
    "fail": with_lease("delayed", "fail"),
    "fail-for-good": with_lease("failed", "fail", "--no-retry"),
    "release": with_lease("ready", "release"),
    "extend": with_lease("leased", "extend"),
    "cancel-waiting": cancel_waiting,
    "cancel-leased": cancel_leased,
    "retry": retry,
    "reap": reap,
    "prune": prune,
}


@pytest.mark.guarantee("I1", "I3", "I4", "I6")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_command_killed_before_any_system_call_leaves_a_spool_that_goes_on(
    tmp_path: Path, name: str
) -> None:
    before = tmp_path / "before"
    spool = Spool.create(before, lease_seconds=3600, sweep_seconds=0)
    case = CASES[name](spool)
    kept = spool.publish(b"kept", priority=9)
    spool.close()
    case.payloads |= {case.about: b"about", kept: b"kept"}

    def command(path: Path) -> list[str]:
        return [sys.executable, "-m", "spoolq", "-s", str(path), *case.words]

    whole = Path(shutil.copytree(before, tmp_path / "whole"))
    calls = calls_on(whole, command(whole), tmp_path / "log", case.stdin)
    assert calls

    def killed(number: int) -> tuple[Path, bool]:
        path = Path(shutil.copytree(before, tmp_path / str(number)))
        log = tmp_path / f"log-{number}"
        return path, killed_before(calls[number], command(path), log, case.stdin)

    with ThreadPoolExecutor(PROCESSORS) as pool:
        for path, died in pool.map(killed, range(len(calls))):
            assert died, f"{name} did not come to {calls[int(path.name)]}"
            check(path, case)
    check(whole, case)
    tally.fault("commands killed before a system call", len(calls))


def check(path: Path, case: Case) -> None:
    """The job the command was about is in one of its states, and everything can go on."""
    assert_spool_sound(path)
    jobs = jobs_on_disk(path)
    new = jobs.keys() - case.payloads.keys()
    assert len(new) <= (case.words[0] == "put")
    states = {places[0].partition("/")[0] for job, places in jobs.items() if job == case.about}
    assert (states or {"gone"}) <= case.states or not case.about
    for job_id, places in jobs.items():
        payload = (path / places[0]).read_bytes()
        assert payload == case.payloads.get(job_id, b"new"), places
    assert jobs.keys() | {case.about} >= case.payloads.keys()
    end_everything(path)


def end_everything(path: Path) -> None:
    """Do or cancel all there is, prune it, and find nothing left."""
    spool = Spool(path)
    spool.reap()
    for name in tasks_in(path, "leased"):
        spool.leased_job(name).done()
    for name in tasks_in(path, "delayed").values():
        spool.cancel(name)
    for job in spool.get_jobs(10, timeout=0):
        job.done()
    spool.reap()
    spool.prune(0, failed=True)
    left = {room: names(path, room) for room in ("ready", "delayed", "done", "failed", "sys/tmp")}
    left |= {room: names(path, room) for room in ("sys/meta", "sys/history", "sys/keys")}
    left["leased"] = [name for name in names(path, "leased") if not name.endswith(".lease")]
    assert not any(left.values()), left
    spool.close()
