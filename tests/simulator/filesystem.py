"""The seam that one simulated process works through: the disk, delays, and faults at each operation."""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING, Any

from simulator.disk import File, refusal
from simulator.faults import NETWORK
from spoolq.disk.filesystem import Entry, Foreign, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.world import World


class Killed(BaseException):
    """The process is dead: nothing that it still tries has any effect."""


class SimulatedFileSystem:
    """A FileSystem (spoolq/disk/filesystem.py) whose process may die at every operation."""

    root = "/simulated"

    def __init__(self, world: World, process: Any) -> None:
        self._world = world
        self._disk = world.disk
        self._plan = world.plan
        self._process = process
        self._handles: dict[int, File] = {}
        self._numbers = itertools.count(3)
        self.is_network = world.plan.kind == NETWORK
        self.is_dead = False
        self.refused = 0
        for name in (*_CHANGES, "list", "read", "read_record", "read_part", "lstat"):
            setattr(self, name, self._faulty(name, getattr(self, "_" + name)))

    def die(self) -> None:
        """SIGKILL."""
        self.is_dead = True

    def _faulty(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        plan, world, sleep = self._plan, self._world, self._world.scheduler.sleep
        random, latency = plan.chance.random, plan.latency_seconds

        def stepped(*args: Any) -> Any:
            if self.is_dead:
                raise Killed
            draw = random()
            sleep(latency * draw)
            if self.is_dead:
                raise Killed
            world.operations += 1
            if draw < plan.trouble:
                return self._troubled(plan.kind_of(draw), name, operation, args)
            if world.trace is not None:
                world.trace(self._process, name, args)
            return operation(*args)

        return stepped

    def _troubled(
        self, kind: str, name: str, operation: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        if kind == "stall":
            self._plan.count("stall")
            self._world.scheduler.sleep(self._plan.lease_seconds * 2 * self._plan.chance.random())
            if self.is_dead:
                raise Killed
        if kind == "crash":
            self._crash(operation, args)
        code = self._plan.refusal_of(kind, name)
        if code is not None:
            self.refused += 1
            self._half_done(name, args)
            raise refusal(code, str(args[0]))
        told = operation(*args)
        code = self._plan.reply_of(kind, name)
        if self._world.trace is not None:
            self._world.trace(self._process, name, (*args, kind, code))
        if code is not None:
            self.refused += kind != "lost_reply"  # which are to be seen through
            raise refusal(code, str(args[0]))
        return told

    def _crash(self, operation: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if self._plan.chance.random() < 0.5:
            try:
                operation(*args)
            except (OSError, Foreign):
                pass
        self._plan.count("crash")
        self.is_dead = True
        raise Killed

    def _half_done(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "write" and self._plan.chance.random() < 0.5:
            self._write(args[0], args[1][: len(args[1]) // 2])
        if name == "close":  # closed all the same
            self._handles.pop(args[0], None)

    # ----- the operations

    def _create(self, name: str) -> tuple[int, float]:
        file = self._disk.create(name)
        number = next(self._numbers)
        self._handles[number] = file
        return number, file.modified_at

    def _create_unstamped(self, name: str) -> int:
        return self._create(name)[0]

    def _append(self, name: str) -> int:
        node = self._disk.find(name)
        file = node if isinstance(node, File) else self._disk.create(name)
        number = next(self._numbers)
        self._handles[number] = file
        return number

    def _write(self, handle: int, data: bytes) -> None:
        file = self._handles[handle]
        file.data += data

    def _sync(self, handle: int) -> None:
        file = self._handles[handle]
        file.saved = file.data

    def _close(self, handle: int) -> None:
        if self._handles.pop(handle, None) is None:
            raise refusal(errno.EBADF, str(handle))

    def _rename(self, source: str, target: str) -> None:
        self._disk.rename(source, target)
        self._world.history.renamed(self._process, source, target)

    def _link(self, source: str, target: str) -> None:
        self._disk.link(source, target)

    def _unlink(self, name: str) -> None:
        node = self._disk.find(name)
        self._disk.unlink(name)
        self._world.history.unlinked(self._process, name, node)

    def _mkdir(self, name: str) -> None:
        self._disk.mkdir(name)

    def _rmdir(self, name: str) -> None:
        self._disk.rmdir(name)

    def _list(self, name: str) -> list[str]:
        return list(self._disk.directory(name).names)

    def iterate(self, name: str) -> Iterator[str]:
        """As list: a directory read in pieces shows what changes in between, or not."""
        return iter(self.list(name))  # type: ignore[attr-defined]

    def iterate_files(self, name: str) -> Iterator[str]:
        """The listing shows what kind of thing each is, where it is not a network's."""
        shown = self.list(name)  # type: ignore[attr-defined]
        if self.is_network:
            return iter(shown)
        kinds = self._disk.directory(name).names
        return iter([base for base in shown if isinstance(kinds.get(base), File)])

    def exists(self, name: str) -> bool:
        """A look that is one operation."""
        return self.lstat(name) is not None  # type: ignore[attr-defined]

    def write_back(self, handle: int) -> None:
        """A hint."""

    def _read(self, name: str, limit: int) -> bytes:
        return self._contents(name, limit, 1)

    def _read_record(self, name: str, limit: int) -> bytes:
        return self._contents(name, limit, 2)

    def _read_part(self, name: str, offset: int, size: int) -> bytes:
        return self._disk.file(name).data[offset : offset + size]

    def _contents(self, name: str, limit: int, links: int) -> bytes:
        file = self._disk.file(name)
        if file.links > links:
            raise Foreign(name, f"a file of {file.links} names")
        if len(file.data) > limit:
            raise TooLarge(name, f"{len(file.data)} bytes")
        return file.data

    def _lstat(self, name: str) -> Entry | None:
        node = self._disk.find(name)
        if node is None:
            return None
        is_file = isinstance(node, File)
        return Entry(
            kind="file" if is_file else "directory",
            size=len(node.data) if isinstance(node, File) else 0,
            modified_at=node.modified_at,
            changed_at=node.changed_at if isinstance(node, File) else node.modified_at,
            mode=0o600 if is_file else 0o700,
            uid=os.geteuid(),
            gid=os.getegid(),
            links=node.links if isinstance(node, File) else 2,
            inode=id(node),
        )

    def refresh(self, name: str) -> None:
        """Nothing is remembered here."""

    def _touch_directory(self, name: str) -> None:
        self._disk.directory(name)

    def _sync_directory(self, name: str) -> None:
        self._disk.sync_directory(name)


_CHANGES = (
    *("create", "create_unstamped", "append", "write", "sync", "close", "rename", "link"),
    *("unlink", "mkdir", "rmdir", "touch_directory", "sync_directory"),
)
