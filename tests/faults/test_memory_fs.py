"""The file system in memory behaves as the real one does, operation by operation."""

from __future__ import annotations

import os
import tempfile
from inspect import isfunction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.memory_fs import HandTime, MemoryFileSystem

from spoolq.disk.filesystem import FileSystem, Foreign, OsFileSystem

NAMES = st.sampled_from(["a", "b", "d", "e", "d/a", "d/b", "e/a", "d/e", "d/e/a", "a/b", "no/a"])
DIRECTORIES = st.sampled_from(["", "d", "e", "d/e", "a", "no"])
TOO_LONG = "d/" + "x" * 256
STEPS = st.one_of(
    st.sampled_from([("store", TOO_LONG, b""), ("lstat", TOO_LONG), ("mkdir", TOO_LONG)]),
    st.tuples(st.just("store"), NAMES, st.sampled_from([b"", b"one", b"three"])),
    st.tuples(st.just("add to"), NAMES, st.sampled_from([b"more", b"x"])),
    st.tuples(st.sampled_from(["rename", "link"]), NAMES, NAMES),
    st.tuples(st.sampled_from(["unlink", "mkdir", "rmdir"]), NAMES),
    st.tuples(st.sampled_from(["list", "touch_directory", "sync_directory"]), DIRECTORIES),
    st.tuples(st.sampled_from(["read", "read_record"]), NAMES, st.sampled_from([3, 100])),
    st.tuples(st.just("read_part"), NAMES, st.sampled_from([0, 2, 9]), st.sampled_from([2, 9])),
    st.tuples(st.just("lstat"), NAMES),
)


def outcome(fs: Any, step: tuple[Any, ...]) -> object:
    """What an operation returns, or which error it raises."""
    try:
        return _done(fs, *step)
    except OSError as error:
        return error.errno
    except Foreign as error:
        return type(error), error.name, error.reason


def _done(fs: Any, verb: str, *args: Any) -> object:
    if verb in {"store", "add to"}:
        handle = fs.create(args[0])[0] if verb == "store" else fs.append(args[0])
        fs.write(handle, args[1])
        fs.sync(handle)
        return fs.close(handle)
    told = getattr(fs, verb)(*args)
    if verb == "list":
        return sorted(told)
    if verb == "lstat" and told is not None:
        size = told.size if told.kind == "file" else 0
        return told.kind, size, told.links if told.kind == "file" else 0
    return told


def contents(root: str) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for place, directories, files in os.walk(root):
        for name in directories:
            found[os.path.relpath(f"{place}/{name}", root)] = None
        for name in files:
            with open(f"{place}/{name}", "rb") as file:
                found[os.path.relpath(file.name, root)] = file.read()
    return found


@given(st.lists(STEPS, min_size=1, max_size=25))
def test_memory_and_disk_agree(steps: list[tuple[Any, ...]]) -> None:
    memory = MemoryFileSystem(HandTime())
    with tempfile.TemporaryDirectory() as root:
        disk = OsFileSystem(root)
        for fs in (memory, disk):
            for step in (("mkdir", "d"), ("store", "d/a", b"first"), ("mkdir", "d/e")):
                outcome(fs, step)
        for number, step in enumerate(steps):
            told = [outcome(fs, step) for fs in (memory, disk)]
            assert told[0] == told[1], f"step {number}: {step}"
        assert memory.files() == contents(root)


def test_a_file_that_is_open_outlives_its_name() -> None:
    fs = MemoryFileSystem(HandTime())
    handle, _ = fs.create("a")
    fs.unlink("a")
    fs.write(handle, b"data")
    fs.close(handle)
    assert fs.files() == {}
    assert len(fs.inodes) == 1


def test_times_are_the_servers_and_change_when_names_do() -> None:
    time = HandTime()
    fs = MemoryFileSystem(time)
    handle, stamp = fs.create("a")
    fs.close(handle)
    assert stamp == time.server
    time.advance(5)
    fs.rename("a", "b")
    entry = fs.lstat("b")
    assert entry is not None
    assert (entry.modified_at, entry.changed_at) == (stamp, stamp + 5)


def test_it_has_every_operation_of_the_seam() -> None:
    operations = [name for name, value in vars(FileSystem).items() if isfunction(value)]
    public = [name for name in operations if not name.startswith("_")]
    assert [name for name in public if not hasattr(MemoryFileSystem, name)] == []
