"""What each move costs in system calls, exactly, as strace sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import math, os, sys
from spoolq import Spool
from spoolq.queue import internals
spool = Spool.create(sys.argv[1], durability=sys.argv[2], journal_seconds=0.0)
spool.publish_many([b"task"] * 9)
spool.get_job(0).done()
spool._consumer._upkeep._next_pass = spool._consumer._relist_at = math.inf
# A stamp lasts 50 ms, and strace is slow: here it lasts for ever.
internals(spool).clock.known_until = math.inf
taken = []
acts = {
    "publish": lambda: spool.publish(b"task"),
    "claim": lambda: taken.append(spool.get_job(0)),
    "renew": lambda: taken[0].extend(),
    "done": lambda: taken[0].done(),
}
for name, act in acts.items():
    os.path.exists("/begin." + name)
    act()
    os.path.exists("/end." + name)
"""
CALL = re.compile(r"^(?:\[pid +\d+\] )?(\w+)\((.*)$")
SEEN = "trace=%file,%desc"
NOT_OURS = {"mmap", "execve"}


@pytest.fixture
def traced(tmp_path: Path) -> dict[str, list[str]]:
    """Move -> its system calls in order, durability off; both stats in other words as `stat`."""
    return _traced(tmp_path, "off")


def _traced(tmp_path: Path, durability: str) -> dict[str, list[str]]:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "strace"
    words = [strace, "-f", "-e", SEEN, "-o", log, sys.executable, "-c", SCRIPT]
    ended = subprocess.run(
        [*words, tmp_path / "spool", durability],
        env=environment(),
        capture_output=True,
        check=False,
    )
    if b"ptrace" in ended.stderr or b"PTRACE" in ended.stderr:
        pytest.skip("this machine allows no tracing")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in log.read_text().splitlines():
        match = CALL.match(line.partition(" ")[2].strip())
        if match is None:
            continue
        begun = re.search(r"/begin\.(\w+)", match[2])
        if begun:
            current = found.setdefault(begun[1], [])
        elif "/end." in match[2]:
            current = None
        elif current is not None and match[1] not in NOT_OURS:
            current.append(_plain(match[1]))
    return found


def _plain(call: str) -> str:
    if call in {"rename", "renameat", "renameat2"}:
        return "rename"
    if call in {"unlink", "unlinkat"}:
        return "unlink"
    if call in {"faccessat", "faccessat2", "access"}:
        return "access"
    return "stat" if "stat" in call else call.removesuffix("at")


WRITTEN = ["open", "write", "close"]


def test_moves_make_no_system_call_too_many(traced: dict[str, list[str]]) -> None:
    if "stat" in traced["claim"][:1]:
        traced["claim"][0] = "access"  # a libc without faccessat2 asks by fstatat
    assert traced == {
        "publish": [*WRITTEN, "rename"],
        "claim": ["access", *WRITTEN, "rename", "open", "stat", "read", "close"],
        "renew": [*WRITTEN, "rename", "unlink"],
        "done": ["rename", "unlink"],
    }


def test_durable_moves_sync_what_they_must_and_no_more(tmp_path: Path) -> None:
    traced = _traced(tmp_path, "full")
    synced = ["open", "fsync", "close"]
    assert traced["publish"] == ["open", "write", "fsync", "close", "rename", *synced]
    assert traced["done"] == ["rename", *synced, "unlink"]
    assert traced["renew"] == [*WRITTEN, "rename", "unlink"]
