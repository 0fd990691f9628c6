"""Which files are worked on."""

from __future__ import annotations

import os
import stat
import sysconfig
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_THE_LIBRARY = {b"site-packages", b"dist-packages", b"__pycache__"}


def of_directory(directory: str) -> list[bytes]:
    """Every regular file below a directory, by absolute path, sorted.

    Raises OSError when the directory itself cannot be listed.
    """
    os.scandir(directory).close()
    return sorted(_regular_files(os.fsencode(os.path.abspath(directory)), set()))


def of_the_library() -> tuple[str, list[bytes]]:
    """The directory of the running Python's standard library, and its sources."""
    directory = sysconfig.get_path("stdlib")
    found = _regular_files(os.fsencode(directory), _NOT_THE_LIBRARY)
    return directory, sorted(path for path in found if path.endswith(b".py"))


def _regular_files(top: bytes, skipped: set[bytes]) -> Iterator[bytes]:
    # Links are not followed: a loop of them, or one to a device, would never end.
    for directory, below, names in os.walk(top):
        below[:] = [name for name in below if name not in skipped]
        paths = (os.path.join(directory, name) for name in names)
        yield from (path for path in paths if _is_regular(path))


def _is_regular(path: bytes) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:  # gone meanwhile
        return False
