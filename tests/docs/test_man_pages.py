"""The pages of man/: sound by the judgement of those who show them, every command on one of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from spoolq.cli.main import COMMANDS

PLACE = Path(__file__).resolve().parents[2] / "man"
PAGES = sorted(PLACE.glob("*.1"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc_finds_nothing_to_complain_of(path: Path) -> None:
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed; .ci/run installs it where it can")
    found = subprocess.run(
        [mandoc, "-T", "lint", "-W", "warning", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_man_shows_it_without_a_warning(path: Path) -> None:
    man = shutil.which("man")
    if man is None or shutil.which("groff") is None:
        pytest.skip("man and groff are not installed")
    shown = subprocess.run(
        [man, "--warnings", "-E", "UTF-8", "-P", "cat", "-l", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "78", "LC_ALL": "C.UTF-8"},
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert path.stem.upper() in shown.stdout


def test_every_command_is_on_one_page_with_its_exit_statuses() -> None:
    texts = {path.name: path.read_text() for path in PAGES}
    for command in COMMANDS:
        there = [n for n, text in texts.items() if f"\n.SH {command.upper()}\n" in text]
        assert len(there) == 1, command
        assert f".SS Exit status of {command}" in texts[there[0]]
    overview = texts["spoolq.1"]
    assert set(re.findall(r"^\\fB([a-z]+)\\fR$", overview, re.MULTILINE)) >= set(COMMANDS)
