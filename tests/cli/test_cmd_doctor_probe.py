"""spoolq doctor --probe: every test of a sound file system passes, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from spoolq import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMAND = [sys.executable, "-m", "spoolq", "doctor"]
ALONE = {
    "mount",
    "rename",
    "exclusive create",
    "link",
    "rename of directories",
    "time steps",
    "clock",
    "listing",
    "durability",
    "modes",
    "locks",
    "waiting",
}


def started(path: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, "-s", path, *words], stdout=subprocess.PIPE, text=True)


def checks(text: str) -> dict[str, dict[str, Any]]:
    return {told["check"]: told for told in map(json.loads, text.splitlines())}


def test_every_test_is_told_and_nothing_is_left(spool: Spool) -> None:
    spool.publish(b"stays")
    probe = started(spool.path, "--probe", "--json")
    told = checks(probe.communicate(timeout=100)[0])
    assert probe.returncode == 0, told
    assert set(told) == ALONE
    assert {each["verdict"] for each in told.values()} <= {"ok", "note"}
    assert all(each["figures"] for each in told.values() if each["check"] != "locks")
    assert (os.listdir(f"{spool.path}/sys/tmp"), os.listdir(f"{spool.path}/sys/locks")) == ([], [])
    assert spool.stats().ready == 1


def test_a_person_reads_a_line_a_test(spool: Spool) -> None:
    probe = started(spool.path, "--probe")
    lines = probe.communicate(timeout=100)[0].splitlines()
    assert probe.returncode == 0
    assert "rename: ok: one winner in each of 40 races" in lines
    assert any(line.startswith("waiting: ok: consumers are woken by events") for line in lines)


def test_two_probes_meet_and_agree(spool: Spool) -> None:
    both = [started(spool.path, "--peer", "100", "--json") for _ in range(2)]
    told = [checks(probe.communicate(timeout=110)[0]) for probe in both]
    assert [probe.returncode for probe in both] == [0, 0], told
    for each in told:
        assert set(each) == ALONE | {"peer sees us", "we see peer", "rename against peer"}
        assert each["rename against peer"]["figures"] == {"rounds": 60, "wrong": 0}
    assert os.listdir(f"{spool.path}/sys/tmp") == []


def test_scratch_directory_of_a_probe_under_way_is_no_finding(spool: Spool, cli: Callable) -> None:
    os.mkdir(f"{spool.path}/sys/tmp/ABCDEFGHIJ.probe", 0o700)
    assert cli("doctor").status == 0


def test_nobody_came_is_a_finding(spool: Spool) -> None:
    probe = started(spool.path, "--peer", "100ms", "--json")
    told = checks(probe.communicate(timeout=100)[0])
    assert probe.returncode == 1
    assert told["peer"]["verdict"] == "untested"
    assert os.listdir(f"{spool.path}/sys/tmp") == []


def test_left_by_a_killed_probe_is_passed_over_and_swept(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path / "spool", sweep_seconds=0, durability="off")
    left = tmp_path / "spool" / "sys" / "tmp" / "ABCDEFGH.probe"
    left.touch()
    os.utime(left, (0, 0))
    assert spool.reap().swept == 1
    assert not left.exists()
    spool.close()
