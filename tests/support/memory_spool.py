"""Spools on a file system in memory: made, opened by several owners, and the same every time."""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import json
import os
import random
import time
import zlib
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
    from spoolq.rules.settings import Settings


LOCAL_TIME = time.localtime(1_790_000_000)
USUAL: dict[str, object] = {"watch": "poll", "journal_seconds": 0.0}


def make_spool(fs: MemoryFileSystem, **values: Any) -> None:
    """The directories of a spool and its spool.json; polling, as no event can come.

    Without a journal: what is not written when a process ends would be at its very exit.
    """
    for directory in layout.DIRECTORIES:
        fs.mkdir(directory)
    handle, _ = fs.create(layout.SETTINGS)
    fs.write(handle, settings.to_text(settings.checked(USUAL | values)))
    fs.sync(handle)
    fs.close(handle)


def memory_spool(*, is_network: bool = False, **values: Any) -> tuple[Spool, MemoryFileSystem]:
    """A new spool and the file system that it is on."""
    fs = MemoryFileSystem(HandTime(), is_network=is_network)
    make_spool(fs, **values)
    return open_memory_spool(fs, fs.time, "setup"), fs


def open_memory_spool(
    fs: FileSystem,
    time: HandTime,
    owner: str,
    local: Callable[[], float] | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Spool:
    """A Spool on any FileSystem, as a process of its own called `owner` would open it.

    On a network file system it is patient, as real ones are; its pauses are time by hand.
    """
    sleep = sleep or time.advance
    patient: FileSystem = PatientFileSystem(fs, sleep=sleep) if fs.is_network else fs  # type: ignore[assignment]
    found = _settings_in(fs.read_record(layout.SETTINGS, 64 * 1024))
    spool = object.__new__(Spool)
    spool.path = fs.root
    spool._given_owner = owner
    spool._publish_only = spool._closed = False
    clock = ServerClock(patient, local or time)
    spool._open = OpenSpool(patient, clock, found, owner, owner, lambda: 1, sleep=sleep)
    spool._begin()
    spool._consumer._candidates._chance = random.Random(owner)
    return spool


@functools.cache
def _settings_in(text: bytes) -> Settings:
    return settings.from_mapping(json.loads(text))


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


class _Source:
    """Random bytes that a seed decides."""

    def __init__(self) -> None:
        self._seed, self._count = "", 0

    def restart(self, seed: str) -> None:
        self._seed, self._count = seed, 0
        random.seed(zlib.crc32(seed.encode()))
        chance_of_names._pieces.clear()

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_128(f"{self._seed} {self._count}".encode()).digest(size)


@contextmanager
def predictable(seed: str) -> Iterator[Callable[[str], None]]:
    """Inside, chance and random names repeat from run to run, and no pool of threads is used.

    Yields what starts them over, from another seed.
    """
    source = _Source()
    before = random.getstate()
    try:
        with (
            mock.patch.object(os, "urandom", source),
            mock.patch.object(chance_of_names, "_pieces", []),
            mock.patch.object(concurrent.futures, "ThreadPoolExecutor", SerialPool),
            mock.patch.object(time, "localtime", return_value=LOCAL_TIME),  # zips tell it
        ):
            source.restart(seed)
            yield source.restart
    finally:
        random.setstate(before)
