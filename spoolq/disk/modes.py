"""Setting modes of what is there, and moving it away: never through a link on the way from the root.

In a group spool any member may put a link where a directory was, at any moment.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def set_mode(root: str, name: str, mode: int) -> None:
    """chmod of a regular file or directory below `root`, or ("") of `root` itself.

    Raises:
        OSError: it is something else (ELOOP), not ours to change, or not there.
    """
    if not name:
        _set_mode(root, None, mode)
        return
    with _parent(root, name) as (parent, base):
        _set_mode(base, parent, mode)


def move_away(root: str, name: str, target: str) -> None:
    """rename(2) of a name below `root` to another one there.

    Raises:
        OSError: there is a link on the way (ELOOP, ENOTDIR), or the file system refused.
    """
    with _parent(root, name) as (parent, base), _parent(root, target) as (room, other):
        os.rename(base, other, src_dir_fd=parent, dst_dir_fd=room)


@contextmanager
def _parent(root: str, name: str) -> Iterator[tuple[int, str]]:
    """The directory that a name is in, opened step by step, and the rest of the name."""
    *steps, base = name.split("/")
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            inner = os.open(step, _DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle, base
    finally:
        os.close(handle)


def _set_mode(path: str, parent: int | None, mode: int) -> None:
    if not hasattr(os, "O_PATH"):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path, flags, dir_fd=parent)
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)
        return
    # A path descriptor needs no permission to read, and pins what was looked at.
    handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        found = os.fstat(handle).st_mode
        if not (stat.S_ISREG(found) or stat.S_ISDIR(found)):
            raise OSError(errno.ELOOP, "not a file or directory", path)
        os.chmod(f"/proc/self/fd/{handle}", mode)
    finally:
        os.close(handle)
