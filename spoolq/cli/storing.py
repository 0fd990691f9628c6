"""Writing a payload to a file the user names: whole, or not at all."""

from __future__ import annotations

import os
import secrets
import stat


def store(content: bytes, file: str) -> None:
    """Write `content` to `file`: replaced in one step where it is a regular file or missing.

    A device, a FIFO or the like is written to as it is.

    Raises:
        OSError: it could not be written; a regular file is as it was.
    """
    target = os.path.realpath(file)
    try:
        special = not stat.S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        special = False
    try:
        if special:
            with open(file, "wb", buffering=0) as device:
                _write(device.fileno(), content)
        else:
            _replace(content, target)
    except OSError as error:  # a write does not say of which file, and a draft's name is ours
        raise OSError(error.errno, error.strerror, file) from None


def _replace(content: bytes, target: str) -> None:
    folder, name = os.path.split(target)
    draft = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(draft, flags, 0o666), "wb", buffering=0) as file:
            _write(file.fileno(), content)
        os.replace(draft, target)
    except BaseException:
        _remove(draft)
        raise


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
