"""Full and read-only file systems: clear errors, nothing half visible, and afterwards it goes on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.mounting import private_mounts
from support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I6")
@pytest.mark.parametrize("scenario", ["full", "held", "inodes", "readonly"])
def test_file_system_that_refuses(tmp_path: Path, scenario: str) -> None:
    prefix = private_mounts()
    if prefix is None:
        pytest.skip("mounting in a namespace of one's own is not allowed here")
    ran = subprocess.run(
        [*prefix, sys.executable, "-m", "support.small_disk", scenario, str(tmp_path)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
