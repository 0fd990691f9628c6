"""contrib/systemd/: the units are what systemd takes, and what they say of spoolq is so."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from spoolq.cli.main import parser_of
from spoolq.cli.parser import parsed

UNITS = sorted((Path(__file__).resolve().parents[2] / "contrib" / "systemd").iterdir())
PROGRAM = "/usr/local/bin/spoolq"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong_with_it(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed; .ci/run installs it")
    for each in UNITS:  # a timer is checked together with its service
        (tmp_path / each.name).write_text(each.read_text().replace(PROGRAM, "/bin/true"))
    ran = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in (ran.stdout + ran.stderr).splitlines() if "spoolq-" in line]
    assert (ran.returncode, ours) == (0, [])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_its_command_is_one_that_spoolq_knows(unit: Path) -> None:
    found = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    if unit.suffix == ".timer":
        assert found is None
        return
    assert found
    given = (
        found[1].replace("%f", "/shared/spool").replace("$WORK_OPTIONS", "--jobs auto -- run {}")
    )
    program, command, *words = shlex.split(given)
    assert program == PROGRAM
    _, parser = parser_of(command)
    args = parsed(parser, words)
    if command == "work":
        stop = re.search(r"^TimeoutStopSec=(\d+)min$", unit.read_text(), re.MULTILINE)
        assert stop
        assert args.drain + args.grace < 60 * int(stop[1])
