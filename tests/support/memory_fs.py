"""A file system in memory with the semantics of POSIX, behind spoolq's seam, on a clock by hand.

Thousands of times faster than a disk, copied in microseconds, and the same every time: so tests
can fail, crash, repeat and reorder every operation. tests/faults/test_memory_fs.py checks it
against the real file system, operation by operation.
"""

from __future__ import annotations

import copy
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from spoolq.disk.filesystem import Entry, Foreign, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = 1
PARENT = ".."
NOWHERE = "/dev/null/spool"
"""The root's path: under a device, so that whatever bypasses the seam fails at once."""


@dataclass(slots=True)
class HandTime:
    """Local seconds that pass only when told to; the server's clock runs with them."""

    local: float = 1_000.0
    server_ahead: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.local

    @property
    def server(self) -> float:
        """The file server's time, in seconds since 1970."""
        return self.local + self.server_ahead

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.local += seconds


class Inode(NamedTuple):
    """A file (`data`) or a directory (`entries`: name -> inode number); never changed in place."""

    modified_at: float
    changed_at: float
    links: int = 1
    data: bytes = b""
    entries: dict[str, int] | None = None
    synced: bytes | None = None
    """What of `data` an fsync has saved; None: none yet."""


class MemoryFileSystem:
    """All of `FileSystem`, in a dict of inodes that are replaced, never changed."""

    def __init__(self, time: HandTime, *, is_network: bool = False) -> None:
        self.root = NOWHERE
        self.is_network = is_network
        self.time = time
        now = time.server
        self.inodes: dict[int, Inode] = {ROOT: Inode(now, now, entries={})}
        self.has_root = True
        self.handles: dict[int, int] = {}
        self.next_handle = 3
        self._next_inode = ROOT + 1

    # ----- inside: the only places where anything changes

    def _new(self, **more: object) -> int:
        now = self.time.server
        number, self._next_inode = self._next_inode, self._next_inode + 1
        self.inodes[number] = Inode(now, now, **more)  # type: ignore[arg-type]
        return number

    def _change(self, changes: list[tuple[int, str, int | None]]) -> None:
        """Change names, all of them at once: (directory, name, inode or None for no more)."""
        now = self.time.server
        for directory, name, number in changes:
            entries = dict(self.inodes[directory].entries or {})
            if number is None:
                del entries[name]
            else:
                entries[name] = number
            found = self.inodes[directory]
            self.inodes[directory] = found._replace(
                entries=entries, modified_at=now, changed_at=now
            )

    def _put(self, number: int, **more: object) -> None:
        now = self.time.server
        self.inodes[number] = self.inodes[number]._replace(changed_at=now, **more)  # type: ignore[arg-type]

    def _unlinked(self, number: int) -> None:
        self._put(number, links=self.inodes[number].links - 1)
        if self.inodes[number].links == 0 and number not in self.handles.values():
            del self.inodes[number]

    def _find(self, name: str) -> int:
        number = ROOT
        if not self.has_root:
            _no(errno.ENOENT, name)
        for part in name.split("/") if name not in {"", "."} else []:
            entries = self._entries(number, name)
            number = entries.get(part) or _no(_absence(part), name)
        return number

    def _entries(self, number: int, name: str) -> dict[str, int]:
        entries = self.inodes[number].entries
        if entries is None:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        return entries

    def _place(self, name: str) -> tuple[int, str, int | None]:
        """The directory of a name, its last part, and what stands there."""
        parent, _, base = name.rpartition("/")
        directory = self._find(parent)
        there = self._entries(directory, name).get(base)
        if there is None and _absence(base) != errno.ENOENT:
            _no(_absence(base), name)
        return directory, base, there

    def _is_directory(self, number: int) -> bool:
        return self.inodes[number].entries is not None

    # ----- the seam

    def create(self, name: str) -> tuple[int, float]:
        directory, base, there = self._place(name)
        if there is not None:
            _no(errno.EEXIST, name)
        number = self._new()
        self._change([(directory, base, number)])
        return self._open(number), self.inodes[number].modified_at

    def append(self, name: str) -> int:
        directory, base, there = self._place(name)
        if there is None:
            there = self._new()
            self._change([(directory, base, there)])
        elif self._is_directory(there):
            _no(errno.EISDIR, name)
        return self._open(there)

    def _open(self, number: int) -> int:
        handle, self.next_handle = self.next_handle, self.next_handle + 1
        self.handles[handle] = number
        return handle

    def write(self, handle: int, data: bytes) -> None:
        number = self._opened(handle)
        whole = self.inodes[number].data + bytes(data)
        self._put(number, data=whole, modified_at=self.time.server)

    def create_unstamped(self, name: str) -> int:
        return self.create(name)[0]

    def write_back(self, handle: int) -> None:
        self._opened(handle)

    def sync(self, handle: int) -> None:
        number = self._opened(handle)
        found = self.inodes[number]
        self.inodes[number] = found._replace(synced=found.data)

    def close(self, handle: int) -> None:
        number = self._opened(handle)
        del self.handles[handle]
        if self.inodes[number].links == 0 and number not in self.handles.values():
            del self.inodes[number]

    def _opened(self, handle: int) -> int:
        if handle not in self.handles:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.handles[handle]

    def rename(self, source: str, target: str) -> None:
        out_of, old, moved = self._place(source)
        into, new, there = self._place(target)
        if moved is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source, None, target)
        if target.startswith(f"{source}/"):
            _no(errno.EINVAL, target)
        if source.startswith(f"{target}/"):
            _no(errno.ENOTEMPTY, target)
        if moved == there:
            return
        if there is not None:
            self._check_replaceable(moved, there, target)
        # Two names change in one step: at no instant has the file both, or none.
        changes = [(out_of, old, None), (into, new, moved)]
        self._change(changes)
        self._put(moved)
        if there is not None:
            self._unlinked(there)

    def _check_replaceable(self, moved: int, there: int, target: str) -> None:
        if self._is_directory(there):
            if not self._is_directory(moved):
                _no(errno.EISDIR, target)
            if self.inodes[there].entries:
                _no(errno.ENOTEMPTY, target)
        elif self._is_directory(moved):
            _no(errno.ENOTDIR, target)

    def link(self, source: str, target: str) -> None:
        number = self._find(source)
        directory, base, there = self._place(target)
        if there is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), source, None, target)
        if self._is_directory(number):
            _no(errno.EPERM, source)
        self._change([(directory, base, number)])
        self._put(number, links=self.inodes[number].links + 1)

    def unlink(self, name: str) -> None:
        directory, base, there = self._place(name)
        if there is None:
            _no(errno.ENOENT, name)
        elif self._is_directory(there):
            _no(errno.EISDIR, name)
        else:
            self._change([(directory, base, None)])
            self._unlinked(there)

    def mkdir(self, name: str) -> None:
        if name == "":
            if self.has_root:
                _no(errno.EEXIST, name)
            self.has_root = True
            return
        directory, base, there = self._place(name)
        if there is not None:
            _no(errno.EEXIST, name)
        self._change([(directory, base, self._new(entries={}))])

    def rmdir(self, name: str) -> None:
        directory, base, there = self._place(name)
        if there is None:
            _no(errno.ENOENT, name)
        elif self._entries(there, name):
            _no(errno.ENOTEMPTY, name)
        else:
            self._change([(directory, base, None)])
            self._unlinked(there)

    def list(self, name: str) -> list[str]:
        return list(self._entries(self._find(name), name))

    def iterate(self, name: str) -> Iterator[str]:
        return iter(self.list(name))

    def iterate_files(self, name: str) -> Iterator[str]:
        return self.iterate(name)

    def exists(self, name: str) -> bool:
        return self.lstat(name) is not None

    def read(self, name: str, limit: int) -> bytes:
        return self._read(name, limit, 1)

    def read_record(self, name: str, limit: int) -> bytes:
        return self._read(name, limit, 2)

    def read_part(self, name: str, offset: int, size: int) -> bytes:
        return self._contents(name, 1)[offset : offset + size]

    def _read(self, name: str, limit: int, links: int) -> bytes:
        data = self._contents(name, links)
        if len(data) > limit:
            raise TooLarge(name, f"{len(data)} bytes, over the limit of {limit}")
        return data

    def _contents(self, name: str, links: int) -> bytes:
        found = self.inodes[self._find(name)]
        if found.entries is not None:
            raise Foreign(name, "a directory, not a file")
        if found.links > links:
            raise Foreign(name, f"a file of {found.links} names")
        return found.data

    def lstat(self, name: str) -> Entry | None:
        try:
            found = self.inodes[self._find(name)]
        except FileNotFoundError:
            return None
        is_file = found.entries is None
        kind, mode = ("file", 0o600) if is_file else ("directory", 0o700)
        times = (found.modified_at, found.changed_at)
        owner = (os.geteuid(), os.getegid())
        return Entry(kind, len(found.data), *times, mode, *owner, found.links, self._find(name))

    def refresh(self, name: str) -> None:
        self._entries(self._find(name), name)

    def touch_directory(self, name: str) -> None:
        self._put(self._find(name), modified_at=self.time.server)

    def sync_directory(self, name: str) -> None:
        if name != PARENT:
            self._entries(self._find(name), name)

    def adopt_root(self) -> None:
        self._find("")

    # ----- for tests

    def copy(self) -> Self:
        """One that goes its own way, with a time of its own; inodes are never changed in place."""
        other = copy.copy(self)
        other.time = copy.copy(self.time)
        other.inodes, other.handles = dict(self.inodes), dict(self.handles)
        return other

    def key(self) -> tuple[object, ...]:
        """What tells two states of it apart, whatever the order in which they came about."""
        open_files = sorted(
            (h, self.inodes[n].data, self.inodes[n].links) for h, n in self.handles.items()
        )
        clocks = self.time.local, self.time.server_ahead
        return (self.is_network, self.has_root, *clocks, *sorted(self._keys(ROOT, "")), *open_files)

    def _keys(self, directory: int, prefix: str) -> Iterator[tuple[object, ...]]:
        for name, number in (self.inodes[directory].entries or {}).items():
            found = self.inodes[number]
            yield (prefix + name, found.data, found.links, found.modified_at, found.changed_at)
            if found.entries is not None:
                yield from self._keys(number, f"{prefix}{name}/")

    def files(self, directory: int = ROOT, prefix: str = "") -> dict[str, bytes | None]:
        """Every path with the content of the files; None for directories."""
        found: dict[str, bytes | None] = {}
        for name, number in (self.inodes[directory].entries or {}).items():
            if self._is_directory(number):
                found[prefix + name] = None
                found |= self.files(number, f"{prefix}{name}/")
            else:
                found[prefix + name] = self.inodes[number].data
        return found


def _absence(part: str) -> int:
    return errno.ENOENT if len(part) <= 255 else errno.ENAMETOOLONG


def _no(number: int, name: str) -> int:
    raise OSError(number, os.strerror(number), name)
