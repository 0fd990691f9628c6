"""`spoolq bench`: it runs, tells its figures, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from spoolq.bench.scenarios import ALL
from spoolq.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.command_line import Ran

    from spoolq.bench.rounds import Figure

    Run = Callable[..., Ran]


@pytest.mark.parametrize("scenario", ALL)
def test_every_scenario_runs_and_leaves_nothing_behind(
    process: Run, tmp_path: Path, scenario: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    figures = process("bench", str(place), "--quick", "--json", "--only", scenario).good().objects
    assert figures
    for figure in figures:
        assert 0 <= figure["low"] <= figure["median"] <= figure["high"]
    assert list(place.iterdir()) == []


def test_people_get_a_row_for_each_figure(process: Run, tmp_path: Path) -> None:
    first, head, *rows = process("bench", str(tmp_path), "--quick", "--only", "extend").good().lines
    assert "processors" in first
    assert head.split()[:4] == ["scenario", "(durability)", "subject", "median"]
    assert [row.split()[:3] for row in rows] == [
        ["extend", "(off)", "floor"],
        ["extend", "(off)", "spoolq"],
    ]
    assert all(" x " in row for row in rows)


def test_scenario_that_is_none_is_told_with_those_there_are(process: Run, tmp_path: Path) -> None:
    said = process("bench", str(tmp_path), "--only", "warp").bad(2)
    assert "no such scenario; there are publish" in said


def test_directory_that_is_missing_is_an_error_of_one_line(process: Run, tmp_path: Path) -> None:
    said = process("bench", str(tmp_path / "none"), "--quick").bad(1)
    assert said == f"spoolq: {tmp_path / 'none'}: No such file or directory\n"


def test_what_is_ended_by_a_signal_leaves_nothing_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "spoolq", "bench", str(tmp_path), "--only", "extend"]
    running = subprocess.Popen([*words, "--only", "idle"], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("extend"):  # idle comes next, and takes long
            running.terminate()
            break
    running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_signal_that_an_error_overtakes_is_what_it_ended_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starting(_folder: str, _scale: object) -> Iterator[Figure]:
        yield from ()
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.close(-1)  # as subprocess does, interrupted as it closes its pipes

    monkeypatch.setitem(ALL, "extend", starting)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["bench", str(tmp_path), "--only", "extend"]) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []
