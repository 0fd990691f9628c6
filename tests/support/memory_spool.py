"""Spools on a file system in memory: made, opened by several owners, and the same every time."""

from __future__ import annotations

import concurrent.futures
import os
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

from spoolq import Spool
from spoolq.disk import chance as chance_of_names
from spoolq.disk.clock import ServerClock
from spoolq.disk.weather import PatientFileSystem
from spoolq.rules import layout, settings
from spoolq.verbs.context import OpenSpool
from support.memory_fs import HandTime, MemoryFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spoolq.disk.filesystem import FileSystem


def make_spool(fs: MemoryFileSystem, **values: Any) -> None:
    """The directories of a spool and its spool.json; polling, as no event can come.

    Without a journal: what is not written when a process ends would be at its very exit.
    """
    for directory in layout.DIRECTORIES:
        fs.mkdir(directory)
    handle, _ = fs.create(layout.SETTINGS)
    chosen = {"watch": "poll", "journal_seconds": 0.0} | values
    fs.write(handle, settings.to_text(settings.checked(chosen)))
    fs.sync(handle)
    fs.close(handle)


def memory_spool(*, is_network: bool = False, **values: Any) -> tuple[Spool, MemoryFileSystem]:
    """A new spool and the file system that it is on."""
    fs = MemoryFileSystem(HandTime(), is_network=is_network)
    make_spool(fs, **values)
    return open_memory_spool(fs, fs.time, "setup"), fs


def open_memory_spool(
    fs: FileSystem, time: HandTime, owner: str, local: Callable[[], float] | None = None
) -> Spool:
    """A Spool on any FileSystem, as a process of its own called `owner` would open it.

    On a network file system it is patient, as real ones are; its pauses are time by hand.
    """
    patient: FileSystem = PatientFileSystem(fs, sleep=time.advance) if fs.is_network else fs  # type: ignore[assignment]
    found = settings.from_mapping(_settings_of(fs))
    spool = object.__new__(Spool)
    spool.path = fs.root
    spool._given_owner = owner
    spool._publish_only = spool._closed = False
    clock = ServerClock(patient, local or time)
    spool._open = OpenSpool(patient, clock, found, owner, owner, lambda: 1, sleep=time.advance)
    spool._begin()
    spool._consumer._candidates._chance = random.Random(owner)
    return spool


def _settings_of(fs: FileSystem) -> dict[str, Any]:
    import json

    found = json.loads(fs.read(layout.SETTINGS, 64 * 1024))
    assert isinstance(found, dict)
    return found


class SerialPool:
    """Stands in for a pool of threads: one task after the other, in order."""

    def __init__(self, workers: int) -> None:
        assert workers > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, function: Callable[..., Any], *values: Iterable[Any]) -> list[Any]:
        """Call the function with each value (or one of each)."""
        return list(map(function, *values))


@contextmanager
def predictable(seed: str) -> Iterator[None]:
    """Inside, chance and random names repeat from run to run, and no pool of threads is used."""
    chance = random.Random(seed)
    before = random.getstate()
    random.seed(seed)
    try:
        with (
            mock.patch.object(os, "urandom", chance.randbytes),
            mock.patch.object(chance_of_names, "_pieces", []),
            mock.patch.object(concurrent.futures, "ThreadPoolExecutor", SerialPool),
        ):
            yield
    finally:
        random.setstate(before)
