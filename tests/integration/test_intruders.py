"""Another user swaps a link, a pipe or a directory in between any two system calls of a command.

Members of a spool's group can do that in a group spool. What they can reach of the spool they may
have; but nothing outside of it is read, changed or made for them by anybody's command.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import tally
from support.intruder import ATTACKS, SECRET
from support.processes import environment
from support.waits import eventually

from spoolq import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users needs root")
ANNA, BORIS, TEAM = 64001, 64002, 64100
EVERY = int(os.environ.get("INTRUDERS_EVERY", "5"))
"""Of each command, every so manieth system call is tried with each attack; 1 tries all."""


def waiting(spool: Spool) -> str:
    return spool.publish(b"task", headers={"a": "b"})


def held(spool: Spool) -> str:
    spool.publish(b"task", headers={"a": "b"})
    return spool.get_job(timeout=0).name


def ended(spool: Spool) -> str:
    spool.publish(b"task", key="k")
    job = spool.get_job(timeout=0)
    job.done(b"result")
    return job.id


def failed(spool: Spool) -> str:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.fail("no", retry=False)
    return job.id


def expired(spool: Spool) -> str:
    spool.publish(b"due", delay=0.01)
    spool.publish(b"task", priority=0, lease_seconds=0.3)
    job = spool.get_job(timeout=0)
    over = job.deadline.timestamp() + 0.05
    eventually(lambda: time.time() > over)
    return job.id


CASES: dict[str, tuple[Callable[[Spool], str], list[str]]] = {
    "put": (ended, ["put", "-"]),
    "put-with-key": (ended, ["put", "--key", "other", "-"]),
    "put-of-a-known-key": (ended, ["put", "--key", "k", "-"]),
    "get": (waiting, ["get", "--json"]),
    "done": (held, ["done", "--result", "-", "{}"]),
    "fail": (held, ["fail", "--no-retry", "{}"]),
    "release": (held, ["release", "{}"]),
    "extend": (held, ["extend", "{}"]),
    "cancel": (waiting, ["cancel", "--", "{}"]),
    "retry": (failed, ["retry", "{}"]),
    "reap": (expired, ["reap"]),
    "prune": (ended, ["prune", "--older-than", "0"]),
    "archive": (ended, ["archive", "--older-than", "0"]),
    "show": (ended, ["show", "{}"]),
    "status": (held, ["status"]),
    "ls": (ended, ["ls", "--json"]),
    "doctor": (ended, ["doctor", "--fix"]),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory that everybody can reach, with room for what the intruder takes away."""
    for parent in (tmp_path, *tmp_path.parents):
        os.chmod(parent, os.stat(parent).st_mode | 0o011)
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def prepare(home: Path, source: Path | None) -> Path:
    """A home with a group spool of Anna's, her secrets, and room for loot; the spool's path."""
    home.mkdir()
    os.chown(home, ANNA, TEAM)
    os.chmod(home, 0o2770)
    (home / "loot").mkdir()
    os.chmod(home / "loot", 0o777)
    secrets = home / "secrets"
    (secrets / "directory").mkdir(parents=True)
    for file in (secrets / "file", secrets / "directory" / "keep"):
        file.write_bytes(SECRET)
        os.chmod(file, 0o600)
        os.chown(file, ANNA, ANNA)
    for directory in (secrets / "directory", secrets):
        os.chmod(directory, 0o700)
        os.chown(directory, ANNA, ANNA)
    spool = home / "spool"
    if source is not None:
        shutil.copytree(source, spool)
        for root, directories, files in os.walk(spool):
            for name in (*directories, *files, "."):
                os.chown(Path(root, name), ANNA, TEAM)
                mode = 0o660 if name in files else 0o2770
                os.chmod(Path(root, name), mode)
    return spool


def state_of(secrets: Path) -> dict[str, tuple[object, ...]]:
    """Everything about the secrets that must stay as it is."""
    found = {}
    for path in (secrets, secrets / "file", secrets / "directory", secrets / "directory" / "keep"):
        status = path.lstat()
        mode = status.st_mode
        kept = (stat.S_ISDIR(mode) or status.st_mtime_ns, oct(mode), status.st_uid, status.st_gid)
        found[path.name] = (*kept, path.read_bytes() if path.is_file() else None)
    return found


@pytest.fixture(scope="module")
def intruder() -> Iterator[Callable[..., dict[str, Any]]]:
    """Run a command that is attacked; what came of it."""
    users = {"uid": ANNA, "other": BORIS, "group": TEAM}
    with subprocess.Popen(
        [sys.executable, "-m", "support.intruder"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def attempt(home: Path, words: list[str], at: int, attack: str, **more: str) -> Any:
            plan = {**users, **more, "home": str(home), "words": words, "at": at, "attack": attack}
            process.stdin.write(json.dumps(plan) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return json.loads(process.stdout.readline())  # type: ignore[union-attr]

        yield attempt
        process.stdin.close()


@pytest.mark.guarantee("I8")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CASES)
def test_nothing_outside_is_touched_whatever_is_swapped_in(
    intruder: Callable[..., dict[str, Any]], place: Path, name: str
) -> None:
    begin, template = CASES[name]
    before = place / "before"
    with Spool.create(before, group=True, lease_seconds=3600, sweep_seconds=0) as spool:
        about = begin(spool)
    words = [word.format(about) for word in template]
    warm_up = str(shutil.copytree(before, place / "warm-up"))
    prepare(place / "whole", before)
    whole = intruder(place / "whole", words, 0, "", warm_up=warm_up)
    assert whole["status"] == 0, whole
    calls = int(whole["calls"])
    assert calls > 3
    for position, attack in enumerate(ATTACKS):
        for number in range(1 + position % EVERY, calls + 1, EVERY):
            home = place / f"{number}-{attack}"
            prepare(home, before)
            secrets = state_of(home / "secrets")
            ran = intruder(home, words, number, attack)
            what = (name, number, attack, ran)
            assert ran["status"] in range(7), what
            assert "Traceback" not in ran["err"], what
            assert state_of(home / "secrets") == secrets, what
            assert SECRET.decode() not in ran["out"] + ran["err"], what
            assert not holding_the_secret(home), what
            shutil.rmtree(home)
            tally.fault("things swapped in before a system call by another user", 1)


def holding_the_secret(home: Path) -> list[Path]:
    """Files outside the secrets that hold what is secret."""
    shutil.rmtree(home / "secrets")  # and links to it lead nowhere
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in files if SECRET in path.read_bytes()]
