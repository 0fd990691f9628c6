"""Setting modes of what is there, never through a link."""

from __future__ import annotations

import errno
import os
import stat


def set_mode(path: str, mode: int) -> None:
    """chmod of a regular file or directory.

    Raises:
        OSError: it is something else (ELOOP), not ours to change, or not there.
    """
    if not hasattr(os, "O_PATH"):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)
        return
    # A path descriptor needs no permission to read, and pins what was looked at.
    handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(handle).st_mode
        if not (stat.S_ISREG(found) or stat.S_ISDIR(found)):
            raise OSError(errno.ELOOP, "not a file or directory", path)
        os.chmod(f"/proc/self/fd/{handle}", mode)
    finally:
        os.close(handle)
