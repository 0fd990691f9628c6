"""A full disk while logging: the job does not fail because of its log, and the user is told."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.mounting import private_mounts
from support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_disk_decides_nothing_about_a_job(tmp_path: Path) -> None:
    prefix = private_mounts()
    if prefix is None:
        pytest.skip("mounting in a namespace of one's own is not allowed here")
    ran = subprocess.run(
        [*prefix, sys.executable, "-m", "support.full_disk_work", str(tmp_path)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
