"""A job's payload as a command gets it: on standard input, or as a private copy with a path."""

from __future__ import annotations

import os
import select
import shutil
import stat
import tempfile

_COPY_BYTES = 1024 * 1024
AT_ONCE_BYTES = select.PIPE_BUF
"""So much fits into any pipe at once; the command may leave it unread."""


def open_path(path: str) -> int:
    """A descriptor to read the file with; nothing of it is held in memory.

    It is the spool's own file: it must not be written through, and moves of it do no harm.

    Raises:
        OSError: it is gone, a link, or no regular file.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path}: no regular file")
    os.set_blocking(descriptor, True)
    return descriptor


def open_bytes(data: bytes) -> int:
    """A descriptor that yields these bytes, then ends. Nobody has to feed it while it is read.

    Raises:
        OSError: no room for larger ones in TMPDIR.
    """
    if len(data) <= AT_ONCE_BYTES:
        read_end, write_end = os.pipe()
        os.write(write_end, data)
        os.close(write_end)
        return read_end
    with tempfile.TemporaryFile(prefix="spoolq-", buffering=0) as file:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        file.seek(0)
        return os.dup(file.fileno())


def private_copy(source: int, path: str) -> None:
    """Copy what `source` yields into a new file that only this user may read.

    Raises:
        OSError: the path exists, or no room is left (nothing is left behind then).
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(source, "rb", closefd=False) as origin, open(descriptor, "wb") as copy:
            shutil.copyfileobj(origin, copy, _COPY_BYTES)
    except BaseException:
        os.unlink(path)
        raise
