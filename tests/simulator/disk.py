"""A file system in memory, with POSIX's rules for names and a power switch.

Every operation takes effect at one instant. Directories remember what would survive a power loss:
names that were synced, files' bytes that were synced, and of the rest any subset that keeps the
order in which one name or one file changed.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


def refusal(code: int, *names: str) -> OSError:
    """The OSError that a kernel's answer becomes."""
    error = OSError(code, os.strerror(code), names[0])
    if len(names) > 1:
        error.filename2 = names[1]
    return error


class File:
    """An inode: bytes, names, times (server seconds); `saved` are the bytes a power loss keeps."""

    __slots__ = ("changed_at", "data", "links", "modified_at", "saved")

    def __init__(self, now: float) -> None:
        self.data = b""
        self.saved: bytes | None = None
        self.links = 1
        self.modified_at = self.changed_at = now


class Directory:
    """Names; `kept` are those that a power loss leaves."""

    __slots__ = ("kept", "modified_at", "names")

    def __init__(self, now: float) -> None:
        self.names: dict[str, File | Directory] = {}
        self.kept: dict[str, File | Directory] = {}
        self.modified_at = now


Change = tuple[Directory, str, "File | Directory | None"]


class Disk:
    """One file system, as its server sees it."""

    def __init__(self, stamp: Callable[[], float], *, loses_power: bool) -> None:
        self._stamp = stamp
        self._loses_power = loses_power
        self._unsynced: list[list[Change]] = []
        self.root = Directory(stamp())
        self._found: dict[str, Directory] = {"": self.root, ".": self.root}

    # ----- looking

    def directory(self, name: str) -> Directory:
        """The directory of that name."""
        found = self._found.get(name)
        if found is not None:
            return found
        node = self.find(name)
        if node is None:
            raise refusal(errno.ENOENT, name)
        if not isinstance(node, Directory):
            raise refusal(errno.ENOTDIR, name)
        return node

    def find(self, name: str) -> File | Directory | None:
        """What stands under a name."""
        if name in self._found:
            return self._found[name]
        node: File | Directory | None = self.root
        for part in name.split("/"):
            if not isinstance(node, Directory):
                return None
            node = node.names.get(part)
        return node

    def file(self, name: str) -> File:
        """The file of that name."""
        node = self.find(name)
        if node is None:
            raise refusal(errno.ENOENT, name)
        if isinstance(node, Directory):
            raise refusal(errno.EISDIR, name)
        return node

    def _parent(self, name: str) -> tuple[Directory, str]:
        place, _, base = name.rpartition("/")
        return self.directory(place), base

    # ----- changing

    def _change(self, *changes: Change) -> None:
        now = self._stamp()
        for directory, base, node in changes:
            directory.modified_at = now
            if node is None:
                del directory.names[base]
            else:
                directory.names[base] = node
        if self._loses_power:
            self._unsynced.append(list(changes))

    def create(self, name: str) -> File:
        """open(O_CREAT | O_EXCL)."""
        directory, base = self._parent(name)
        if base in directory.names:
            raise refusal(errno.EEXIST, name)
        file = File(self._stamp())
        self._change((directory, base, file))
        return file

    def mkdir(self, name: str) -> None:
        """mkdir(2)."""
        directory, base = self._parent(name)
        if base in directory.names:
            raise refusal(errno.EEXIST, name)
        self._change((directory, base, Directory(self._stamp())))

    def rename(self, source: str, target: str) -> None:
        """rename(2)."""
        old, old_base = self._parent(source)
        new, new_base = self._parent(target)
        node = old.names.get(old_base)
        if node is None:
            raise refusal(errno.ENOENT, source, target)
        there = new.names.get(new_base)
        if there is node:
            return
        if isinstance(node, Directory):
            if isinstance(there, File):
                raise refusal(errno.ENOTDIR, source, target)
            if there is not None and there.names:
                raise refusal(errno.ENOTEMPTY, source, target)
        else:
            if isinstance(there, Directory):
                raise refusal(errno.EISDIR, source, target)
            node.changed_at = self._stamp()
            if there is not None:
                there.links -= 1
        self._change((old, old_base, None), (new, new_base, node))

    def link(self, source: str, target: str) -> None:
        """link(2)."""
        file = self.file(source)
        directory, base = self._parent(target)
        if base in directory.names:
            raise refusal(errno.EEXIST, source, target)
        file.links += 1
        file.changed_at = self._stamp()
        self._change((directory, base, file))

    def unlink(self, name: str) -> None:
        """unlink(2)."""
        directory, base = self._parent(name)
        node = directory.names.get(base)
        if node is None:
            raise refusal(errno.ENOENT, name)
        if isinstance(node, Directory):
            raise refusal(errno.EISDIR, name)
        node.links -= 1
        self._change((directory, base, None))

    def rmdir(self, name: str) -> None:
        """rmdir(2)."""
        directory, base = self._parent(name)
        node = directory.names.get(base)
        if node is None:
            raise refusal(errno.ENOENT, name)
        if not isinstance(node, Directory):
            raise refusal(errno.ENOTDIR, name)
        if node.names:
            raise refusal(errno.ENOTEMPTY, name)
        self._change((directory, base, None))

    def remember_rooms(self, names: list[str]) -> None:
        """Directories that never move: found without walking the path."""
        self._found |= {name: self.directory(name) for name in names}

    # ----- what survives a power loss

    def sync_directory(self, name: str) -> None:
        """Keep all changes of a directory's names, and the earlier ones that they build upon."""
        if not self._loses_power:
            self.directory(name)
            return
        synced = self.directory(name)
        wanted: set[Any] = set()
        kept, left = [], []
        for changes in reversed(self._unsynced):
            touched = _touched(changes)
            if wanted & touched or any(change[0] is synced for change in changes):
                wanted |= touched
                kept.append(changes)
            else:
                left.append(changes)
        for changes in reversed(kept):
            _keep(changes)
        self._unsynced = left[::-1]

    def sync_everything(self) -> None:
        """As sync(2), at rest: names and bytes."""
        for changes in self._unsynced:
            _keep(changes)
        self._unsynced = []
        for _, node in self._nodes(self.root):
            if isinstance(node, File):
                node.saved = node.data

    def lose_power(self, chance: random.Random) -> None:
        """Back to what was synced, and of the rest a part that the order of changes allows."""
        share = chance.choice((0.0, 0.5, 0.9, 1.0))
        lost: set[Any] = set()
        for changes in self._unsynced:
            touched = _touched(changes)
            if lost & touched or chance.random() >= share:
                lost |= touched
            else:
                _keep(changes)
        self._unsynced = []
        self._restore(self.root)
        for _, node in self._nodes(self.root):
            if isinstance(node, File) and node.saved != node.data:
                node.data = _torn(node, chance)
                node.saved = node.data

    def _restore(self, directory: Directory) -> None:
        directory.names = dict(directory.kept)
        for node in directory.names.values():
            if isinstance(node, Directory):
                self._restore(node)
            else:
                node.links = 0
        for node in directory.names.values():
            if isinstance(node, File):
                node.links += 1

    def _nodes(self, directory: Directory, place: str = "") -> list[tuple[str, File | Directory]]:
        found: list[tuple[str, File | Directory]] = []
        for base, node in directory.names.items():
            name = f"{place}/{base}" if place else base
            found.append((name, node))
            if isinstance(node, Directory):
                found += self._nodes(node, name)
        return found

    def everything(self) -> list[str]:
        """All names, files and directories."""
        return [name for name, _ in self._nodes(self.root)]


def _touched(changes: list[Change]) -> set[Any]:
    names = {(id(directory), base) for directory, base, _ in changes}
    return names | {id(node) for _, _, node in changes if node is not None}


def _keep(changes: list[Change]) -> None:
    for directory, base, node in changes:
        if node is None:
            directory.kept.pop(base, None)
        else:
            directory.kept[base] = node


def _torn(file: File, chance: random.Random) -> bytes:
    """What a power loss may leave of bytes that nobody synced."""
    if file.saved is not None:
        return file.saved
    cut = chance.randrange(len(file.data) + 1)
    torn = (file.data, b"", file.data[:cut], bytes(len(file.data)))
    return chance.choice(torn)
