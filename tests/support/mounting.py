"""Mounts of one's own, where the machine allows them."""

from __future__ import annotations

import os
import subprocess


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
