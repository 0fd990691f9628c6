"""Private copies of payloads: a directory in TMPDIR, gone with its worker, or by the next one.

Whoever holds the lock on a directory is alive; the kernel lets go of it however a worker dies.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress

_PREFIX = "spoolq-copies-"
_TRIES = 5


class Scratch:
    """A directory that only this user may enter, made when first needed."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._lock: int | None = None

    def path(self, name: str) -> str:
        """Where a file of this name may be made.

        Raises:
            OSError: no directory can be made in TMPDIR.
        """
        if self._path is None:
            _sweep(tempfile.gettempdir())
            self._path, self._lock = _made_and_locked()
        return f"{self._path}/{name}"

    def close(self) -> None:
        """Remove it with all that is in it."""
        if self._path is not None and self._lock is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            os.close(self._lock)
            self._path = self._lock = None


def _made_and_locked() -> tuple[str, int]:
    for _ in range(_TRIES):
        path = tempfile.mkdtemp(prefix=_PREFIX)
        with suppress(OSError):
            # RACE: before it was locked, another worker's sweep may take it for a dead one's.
            return path, _locked(path)
    raise OSError(f"{path}: cannot be locked")


def _locked(path: str) -> int:
    """A descriptor that holds the lock on a directory of ours.

    Raises:
        OSError: it is gone, locked, or not ours.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
            raise PermissionError(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sweep(directory: str) -> None:
    """Remove what workers of this user left that were killed."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    lock = _locked(entry.path)
                    shutil.rmtree(entry.path, ignore_errors=True)
                    os.close(lock)
