"""How much room the spool's file system has left, as the system tells it."""

from __future__ import annotations

import os

from spoolq.rules.room import Room


def room_of(path: str) -> Room:
    """The room on the file system that holds `path`, for an ordinary user.

    Raises:
        OSError: it cannot be asked.
    """
    found = os.statvfs(path)
    return Room(
        free_bytes=found.f_bavail * found.f_frsize,
        size_bytes=found.f_blocks * found.f_frsize,
        free_inodes=found.f_favail,
        inodes=found.f_files,
    )
