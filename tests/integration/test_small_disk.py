"""Full and read-only file systems: clear errors, nothing half visible, and afterwards it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path


def private_mounts() -> list[str] | None:
    """The command that starts a program with mounts of its own; None where that is not allowed."""
    command = ["unshare", "--mount"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    try:
        tried = subprocess.run(
            [*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return None
    return command if tried.returncode == 0 else None


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
