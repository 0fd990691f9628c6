"""A FileSystem on which one operation goes wrong: crashes, errors, lost and repeated replies.

Operations are counted from 1 once `arm` was called. A plan is called with the number, the
operation and its arguments, and does with it what it likes.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from spoolq.disk.filesystem import FileSystem, Foreign
from support.memory_fs import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.memory_fs import MemoryFileSystem

    Plan = Callable[["Operation"], Any]

OPERATIONS = tuple(
    name for name, value in vars(FileSystem).items() if isfunction(value) and name[0] != "_"
)
ERRNOS = (
    *(errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.ESTALE, errno.EACCES),
    *(errno.EROFS, errno.EINTR, errno.EMFILE, errno.ENOENT, errno.EEXIST),
)
CREATES = frozenset(("create", "create_unstamped"))
CHANGING = CREATES | frozenset(("append", "write", "sync", "close", "rename", "link", "unlink"))
CHANGING |= frozenset(("mkdir", "rmdir", "touch_directory", "sync_directory", "write_back"))
LISTINGS = frozenset(("list", "iterate", "iterate_files"))
BY_HANDLE = CREATES | frozenset(("append", "write", "write_back", "close"))
"""What is not repeated with effect: an exclusive create is told by its verifier, a write goes to the
same place."""


class Crash(BaseException):
    """The process is dead from here on; nothing catches this, and no operation works any more."""


class Operation:
    """One call at the seam: its number (1 first), name and arguments."""

    def __init__(self, number: int, name: str, call: Callable[..., Any], args: tuple[Any, ...]):
        self.number = number
        self.name = name
        self.args = args
        self._call = call

    def __call__(self) -> Any:
        """Carry it out."""
        return self._call(*self.args)

    def error(self, number: int) -> OSError:
        """The error the kernel would raise for it; those by handle bear no name."""
        paths = [arg or NOWHERE for arg in self.args if isinstance(arg, str)]
        paths = paths or [NOWHERE] * (not self.args)
        text = os.strerror(number)
        if self.name in {"rename", "link"}:
            return OSError(number, text, paths[0], None, paths[1])
        return OSError(number, text, *paths[:1])


class FaultyFileSystem:
    """Wraps a file system; works well until armed with a plan."""

    def __init__(self, fs: MemoryFileSystem) -> None:
        self.inner = fs
        self.root = fs.root
        self.is_network = fs.is_network
        self.operations: list[str] = []
        self._plan: Plan | None = None
        self._is_dead = False
        for name in OPERATIONS:
            setattr(self, name, self._planned(name, getattr(fs, name)))

    def arm(self, plan: Plan) -> None:
        """From now on operations are counted, and go as planned."""
        self._plan = plan
        self.operations = []

    def disarm(self) -> None:
        """All is well again."""
        self._plan = None

    def die(self) -> None:
        """No operation works any more."""
        self._is_dead = True
        raise Crash

    def _planned(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def planned(*args: Any) -> Any:
            if self._is_dead:
                raise Crash
            if self._plan is None:
                return call(*args)
            self.operations.append(name)
            return self._plan(Operation(len(self.operations), name, call, args))

        return planned


def as_usual(operation: Operation) -> Any:
    """No fault."""
    return operation()


def crash_before(fs: FaultyFileSystem, number: int) -> Plan:
    """The process dies before an operation."""

    def plan(operation: Operation) -> Any:
        return fs.die() if operation.number == number else operation()  # type: ignore[func-returns-value]

    return plan


def crash_after(fs: FaultyFileSystem, number: int) -> Plan:
    """The process dies when an operation was carried out, before it learns so."""

    def plan(operation: Operation) -> Any:
        if operation.number != number:
            return operation()
        with suppress(OSError, Foreign):
            operation()
        return fs.die()  # type: ignore[func-returns-value]

    return plan


def crash_within(fs: FaultyFileSystem, number: int) -> Plan:
    """The process dies with half of a file written."""

    def plan(operation: Operation) -> Any:
        if operation.number != number or operation.name != "write":
            return operation()
        fs.inner.write(operation.args[0], operation.args[1][: len(operation.args[1]) // 2])
        return fs.die()  # type: ignore[func-returns-value]

    return plan


def error_at(number: int, code: int, *, lasting: bool = False) -> Plan:
    """An operation is refused with an errno: once, or it and all that follow."""

    def plan(operation: Operation) -> Any:
        if operation.number == number or (lasting and operation.number > number):
            if operation.name == "close":
                operation()  # a close that fails has closed all the same
            raise operation.error(code)
        return operation()

    return plan


def error_though_done(fs: FaultyFileSystem, number: int, code: int) -> Plan:
    """An operation is carried out and an error reported; of a write and a listing, half is done."""

    def plan(operation: Operation) -> Any:
        if operation.number != number:
            return operation()
        if operation.name == "write":
            handle, data = operation.args
            fs.inner.write(handle, data[: len(data) // 2])
        elif operation.name in LISTINGS - {"list"}:
            return _interrupted(list(operation()), operation.error(code))
        else:
            told = operation()
            if operation.name in CREATES | {"append"}:  # there is a file, but nobody has a handle
                fs.inner.close(told[0] if isinstance(told, tuple) else told)
        raise operation.error(code)

    return plan


def _interrupted(names: list[str], error: OSError) -> Iterator[str]:
    yield from names[: len(names) // 2]
    raise error


def reply_lost(number: int) -> Plan:
    """NFS: the reply to an operation is lost, and it is carried out a second time.

    The second outcome is what is told, as after a server's reboot. An exclusive create is told
    by its verifier, and a write goes to the same place: both are harmless.
    """

    def plan(operation: Operation) -> Any:
        told = operation()
        if operation.number == number and operation.name not in BY_HANDLE:
            return operation()
        return told

    return plan


def repeated_late(number: int, later: int) -> Plan:
    """NFS: a request that was answered long ago is carried out once more, before a later one."""
    kept: list[Operation] = []

    def plan(operation: Operation) -> Any:
        if operation.number == later and kept:
            with suppress(OSError):  # its reply goes to nobody
                kept[0]()
        if operation.number == number and operation.name not in BY_HANDLE:
            kept.append(operation)
        return operation()

    return plan
