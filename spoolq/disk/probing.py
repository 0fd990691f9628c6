"""Experiments on the file system that holds a spool: what it does, in numbers. No judgement here.

Everything happens in sys/tmp/ under new names that end in `.probe`; a killed probe's are swept.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field

from spoolq.disk.atomic import discard
from spoolq.disk.chance import random_text
from spoolq.disk.filesystem import OsFileSystem
from spoolq.disk.locks import upkeep_lock
from spoolq.rules import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self

    from spoolq.disk.filesystem import FileSystem

ROUNDS = 40
CONTENDERS = 3
LISTED = 40
COARSE_SECONDS = 2.5
"""How long to wait for a second time stamp that differs: the coarsest known steps are 2 s."""


@dataclass(frozen=True, slots=True)
class Race:
    """How a number of contests of one kind went; `wrong` had not exactly one winner."""

    rounds: int
    wrong: int
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Stamps:
    """Time stamps of new files: their steps, and how far they are ahead of this host's clock."""

    step_seconds: float
    created_ahead: float
    written_ahead: float


@dataclass(frozen=True, slots=True)
class Syncs:
    """What a durable publish waits for, in seconds; None: refused, with the reason in `refused`."""

    file_seconds: float | None
    directory_seconds: float | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Of `made` new names those that listings, and look-ups after them, did not tell at once."""

    made: int
    unlisted: int
    unseen: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Modes:
    """Modes as asked for and as found, of a file and of a directory."""

    file: tuple[int, int]
    directory: tuple[int, int]


@dataclass(slots=True)
class Scratch:
    """New names in sys/tmp/, all of which are gone afterwards."""

    fs: FileSystem
    _made: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._made):
            if not discard(self.fs, name):
                remove_directory(self.fs, name)

    def name(self) -> str:
        """A name that never was."""
        made = f"{layout.TMP}/{random_text()}.probe"
        self._made.append(made)
        return made

    def file(self, content: bytes = b"probe") -> str:
        """A new file's name."""
        name = self.name()
        write(self.fs, name, content)
        return name


def write(fs: FileSystem, name: str, content: bytes) -> float:
    """Create a file with this content; the stamp of its creation."""
    handle, stamp = fs.create(name)
    try:
        fs.write(handle, content)
    finally:
        fs.close(handle)
    return stamp


def remove_directory(fs: FileSystem, name: str) -> None:
    """Remove a directory of a probe with what is in it, if it is there."""
    try:
        for inner in fs.list(name):
            discard(fs, f"{name}/{inner}")
        fs.rmdir(name)
    except OSError:
        pass


def _contest(rounds: Iterable[list[Callable[[], object]]]) -> Race:
    """Let threads do their attempts of a round at once; success is not to raise OSError."""
    count, wrong = 0, 0
    refused: str | None = None
    for attempts in rounds:
        barrier = threading.Barrier(len(attempts))
        told: list[str | None] = []

        def attempt(
            work: Callable[[], object],
            barrier: threading.Barrier = barrier,
            told: list[str | None] = told,
        ) -> None:
            barrier.wait()
            try:
                work()
            except OSError as error:
                told.append(error.strerror or str(error))
            else:
                told.append(None)

        threads = [threading.Thread(target=attempt, args=(work,)) for work in attempts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = told.count(None)
        count += 1
        wrong += winners != 1
        if not winners:
            refused = told[0]
    return Race(count, wrong, refused)


def rename_race(fs: FileSystem, rounds: int = ROUNDS) -> Race:
    """Several rename one file to names of their own: a claim."""
    with Scratch(fs) as scratch:

        def claims() -> Iterator[list[Callable[[], object]]]:
            for _ in range(rounds):
                source = scratch.file()
                yield [_call(fs.rename, source, scratch.name()) for _ in range(CONTENDERS)]

        return _contest(claims())


def create_race(fs: FileSystem, rounds: int = ROUNDS) -> Race:
    """Several create one name exclusively, as tools beside spoolq do for locks."""
    exclusive = OsFileSystem(fs.root)  # spoolq's own names are new anyway, and cheaper made on NFS

    def create(name: str) -> None:
        exclusive.close(exclusive.create(name)[0])

    with Scratch(fs) as scratch:
        targets = (scratch.name() for _ in range(rounds))
        return _contest([_call(create, target)] * CONTENDERS for target in targets)


def link_race(fs: FileSystem, rounds: int = ROUNDS) -> Race:
    """Several link drafts of their own to one name: a grace, a spool's settings."""
    with Scratch(fs) as scratch:

        def links() -> Iterator[list[Callable[[], object]]]:
            for _ in range(rounds):
                target = scratch.name()
                yield [_call(fs.link, scratch.file(), target) for _ in range(CONTENDERS)]

        return _contest(links())


def directory_race(fs: FileSystem, rounds: int = ROUNDS // 4) -> Race:
    """Several rename directories that hold a file to one name: a unique key."""
    with Scratch(fs) as scratch:

        def keys() -> Iterator[list[Callable[[], object]]]:
            for _ in range(rounds):
                target = scratch.name()
                yield [_call(fs.rename, _full(scratch), target) for _ in range(CONTENDERS)]

        return _contest(keys())


def _full(scratch: Scratch) -> str:
    name = scratch.name()
    scratch.fs.mkdir(name)
    write(scratch.fs, f"{name}/held", b"")
    return name


def _call(work: Callable[..., object], *args: object) -> Callable[[], object]:
    return lambda: work(*args)


def stamps(fs: FileSystem, wall: Callable[[], float] = time.time) -> Stamps:
    """Make files until their stamps have changed a few times, or for a while."""
    with Scratch(fs) as scratch:
        name = scratch.name()
        before = wall()
        handle, created = fs.create(name)
        try:
            fs.write(handle, b"probe")
        finally:
            fs.close(handle)
        entry = fs.lstat(name)
        written = entry.modified_at if entry else created
        seen = [created]
        started = time.monotonic()
        while len(seen) < 6 and time.monotonic() - started < COARSE_SECONDS:
            _, stamp = _stamped(fs, scratch)
            if stamp != seen[-1]:
                seen.append(stamp)
        steps = [later - first for first, later in itertools.pairwise(seen) if later > first]
        step = min(steps, default=COARSE_SECONDS)
        return Stamps(step, created - before, written - before)


def _stamped(fs: FileSystem, scratch: Scratch) -> tuple[str, float]:
    name = scratch.name()
    return name, write(fs, name, b"")


def syncs(fs: FileSystem) -> Syncs:
    """Time the syncs of one publish."""
    with Scratch(fs) as scratch:
        try:
            handle, _ = fs.create(scratch.name())
            try:
                fs.write(handle, b"probe")
                file_seconds = _timed(lambda: fs.sync(handle))
            finally:
                fs.close(handle)
        except OSError as error:
            return Syncs(None, None, error.strerror)
        try:
            return Syncs(file_seconds, _timed(lambda: fs.sync_directory(layout.TMP)))
        except OSError as error:
            return Syncs(file_seconds, None, error.strerror)


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def listing(fs: FileSystem, made: int = LISTED) -> Listing:
    """Make names one by one that were asked for before; list and look each up at once."""
    unlisted = unseen = 0
    spent = 0.0
    with Scratch(fs) as scratch:
        for _ in range(made):
            name = scratch.name()
            fs.lstat(name)
            write(fs, name, b"")
            started = time.monotonic()
            listed = name.rpartition("/")[2] in fs.list(layout.TMP)
            spent += time.monotonic() - started
            unlisted += not listed
            unseen += fs.lstat(name) is None
    return Listing(made, unlisted, unseen, spent / made)


def modes(fs: FileSystem, file_mode: int, directory_mode: int) -> Modes:
    """Which modes new files and directories get, compared with those they should get."""
    with Scratch(fs) as scratch:
        file = fs.lstat(scratch.file())
        name = scratch.name()
        fs.mkdir(name)
        directory = fs.lstat(name)
        return Modes(
            (file_mode, file.mode if file else 0),
            (directory_mode, directory.mode if directory else 0),
        )


def locks_work(fs: FileSystem, mode: int) -> bool:
    """Whether a lock that one holds is refused to another."""
    name = f"probe-{random_text()}"
    with upkeep_lock(fs.root, name, mode) as held, upkeep_lock(fs.root, name, mode) as again:
        works = held and not again
    discard(fs, f"{layout.LOCKS}/{name}.lock")
    return works
