"""Where `put` finds its tasks: files and standard input, whole or cut into records."""

from __future__ import annotations

import errno
import os
import stat
import sys

from spoolq.cli import options, output
from spoolq.errors import InvalidTask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

STDIN = "-"
MAX_BATCH_TASKS = 1000
MAX_BATCH_BYTES = 64 * 1024 * 1024
_READ_BYTES = 1024 * 1024

Task = tuple[str, bytes]
"""The name of the source, and the payload."""


def checked(files: list[str]) -> list[str]:
    """The sources to read, `-` when none is given; all are there and no directories.

    Looking before the first is published: a typing error in the last name publishes nothing.

    Raises:
        UsageError: nothing is given, and standard input is a terminal.
        OSError: a file is missing, may not be read, or is a directory.
    """
    if not files and output.is_terminal(sys.stdin):
        raise options.UsageError("nothing to publish: give a FILE, or - to type it here")
    for name in files:
        if name != STDIN:
            _check(name)
    if files.count(STDIN) > 1:
        raise options.UsageError("standard input can be read only once")
    return files or [STDIN]


def _check(name: str) -> None:
    if stat.S_ISDIR(os.stat(name).st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not os.access(name, os.R_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), name)


def whole(name: str, max_task_bytes: int) -> bytes:
    """All of one source.

    Raises:
        InvalidTask: it is larger than a task may be (found without reading it all).
        OSError: it cannot be read.
    """
    if name == STDIN:
        return _read_all(options.stdin_bytes(), "standard input", max_task_bytes)
    with open(name, "rb", buffering=0) as file:
        return _read_all(file, name, max_task_bytes)


def _read_all(file: BinaryIO, name: str, max_task_bytes: int) -> bytes:
    parts, left = [], max_task_bytes + 1
    while left and (part := file.read(min(left, _READ_BYTES))):
        parts.append(part)
        left -= len(part)
    if not left:
        raise InvalidTask(f"{name}: more than a task may have (max_task_bytes={max_task_bytes})")
    return b"".join(parts)


def batches(files: list[str], separator: bytes | None, max_task_bytes: int) -> Iterator[list[Task]]:
    """All tasks of the sources, in lists of a size that fits into memory, as soon as they come."""
    if separator is None:
        return _of_size((name, whole(name, max_task_bytes)) for name in files)
    return _of_records(files, separator, max_task_bytes)


def _of_size(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    size = 0
    for task in tasks:
        batch.append(task)
        size += len(task[1])
        if len(batch) >= MAX_BATCH_TASKS or size >= MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _of_records(files: list[str], separator: bytes, max_task_bytes: int) -> Iterator[list[Task]]:
    for name in files:
        if name == STDIN:
            yield from _of_file(options.stdin_bytes(), name, separator, max_task_bytes)
            continue
        with open(name, "rb") as file:
            yield from _of_file(file, name, separator, max_task_bytes)


def _of_file(
    file: BinaryIO, name: str, separator: bytes, max_task_bytes: int
) -> Iterator[list[Task]]:
    for found in _records(file, name, separator, max_task_bytes):
        yield from _of_size((name, record) for record in found)


def _records(
    file: BinaryIO, name: str, separator: bytes, max_task_bytes: int
) -> Iterator[list[bytes]]:
    """The records that each read completes: whoever writes slowly is published as it comes."""
    begun = bytearray()
    while chunk := file.read1(_READ_BYTES):  # type: ignore[attr-defined]
        *complete, rest = chunk.split(separator)
        if complete:
            complete[0] = bytes(begun) + complete[0]
            begun.clear()
            yield complete
        begun.extend(rest)
        if len(begun) > max_task_bytes:
            raise InvalidTask(f"{name}: a record of more than max_task_bytes={max_task_bytes}")
    if begun:
        yield [bytes(begun)]
