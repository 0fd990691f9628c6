"""The peers that are Python libraries: one class each, with equal payloads and durability classes.

A peer publishes, takes and finishes; what it cannot have on this machine it says by `Unavailable`.
`take` takes and acknowledges up to `count` tasks and returns their payloads, so that losses and
duplicates can be counted. Any number of processes may open the same queue: same folder, same port.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sqlite3
import tempfile
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

from spoolq.bench.floor import PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.benchmarks.servers import Server


class Unavailable(Exception):
    """Why a peer is not measured."""


def payloads_of(numbers: range, turn: int = 0) -> list[bytes]:
    """Payloads of 200 bytes that are known by their first eight (spoolq.bench.processes.mark)."""
    return [b"%02d%06d" % (turn, number) + PAYLOAD[8:] for number in numbers]


class Peer:
    """One queue on one directory, opened.

    Attributes:
        durability: what survives when a publish has returned.
        crowd: how many tasks several consumers share; few where they are slow.
        most: the largest number of waiting tasks that is bearable.
        pause_seconds: how long its consumers sleep at most before they look again.
    """

    name = ""
    durability = "off"
    crowd = 500
    most = 100_000
    pause_seconds = 0.0

    def __init__(self, folder: str, port: int = 0) -> None:
        self.folder = folder

    @classmethod
    def serve(cls, folder: str) -> Server | None:
        """Start what must run; None where there is no server."""
        return None

    def publish(self, payloads: list[bytes]) -> None:
        raise NotImplementedError

    def announce(self, payload: bytes) -> None:
        """Publish one so that those who wait hear of it."""
        self.publish([payload])

    def fill(self, count: int) -> None:
        """Make so many waiting tasks, in any way and unmeasured."""
        self.publish(payloads_of(range(count)))

    def take(self, count: int) -> list[bytes]:
        raise NotImplementedError

    def drain(self, share: float) -> Iterator[bytes]:
        """Beside other consumers, until nothing is left; `share` (0 to 1) tells one from another."""
        empty = 0
        while empty < 3:
            taken = self.take(8)
            yield from taken
            empty = 0 if taken else empty + 1
            if empty:
                time.sleep(0.02)

    def wait(self, seconds: float) -> bytes:
        """Be blocked until there is a task, as its users are; take and finish it."""
        raise Unavailable("nothing that waits")

    def close(self) -> None:
        """End connections."""


class Dirq(Peer):
    """dirq's QueueSimple: link and rename in directories; no leases, a lock must be purged."""

    name = "dirq"
    crowd = 4000

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        from dirq.QueueSimple import QueueSimple

        self._queue = QueueSimple(folder)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.add(payload)

    def fill(self, count: int) -> None:
        """Files like the first one, with earlier times in their names."""
        room, first = self._queue.add(payloads_of(range(1))[0]).split("/")
        names = (f"{int(first, 16) - 16 * n:0{len(first)}x}" for n in range(1, count))
        _copy(os.path.join(self.folder, room), first, names)

    def take(self, count: int) -> list[bytes]:
        """Going on in the listing that it has; a new one when that is used up."""
        taken: list[bytes] = []
        listed = False
        while len(taken) < count:
            name = self._queue.next()
            if not name and not listed:
                listed, name = True, self._queue.first()
            if not name:
                break
            if self._queue.lock(name):
                taken.append(_bytes(self._queue.get(name)))
                self._queue.remove(name)
        return taken


class PersistQueue(Peer):
    """persist-queue's SQLiteAckQueue."""

    name = "persist-queue (SQLite)"
    durability = "full"

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        from persistqueue import SQLiteAckQueue

        self._queue = SQLiteAckQueue(folder, auto_commit=True, multithreading=True)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.put(payload)

    def take(self, count: int) -> list[bytes]:
        from persistqueue import Empty

        taken: list[bytes] = []
        with contextlib.suppress(Empty):
            while len(taken) < count:
                item = self._queue.get(block=False)
                self._queue.ack(item)
                taken.append(item)
        return taken

    def close(self) -> None:
        self._queue.close()


class LiteQueue(Peer):
    """litequeue: one SQLite table."""

    name = "litequeue"
    durability = "full"
    crowd = 300

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        from litequeue import LiteQueue as Queue

        self._queue = Queue(os.path.join(folder, "queue.db"))
        self._queue.conn.execute("PRAGMA synchronous=FULL")

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.put(payload.decode("latin-1"))

    def fill(self, count: int) -> None:
        with self._queue.transaction():
            super().fill(count)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count:
            try:
                found = self._queue.pop()
            except sqlite3.OperationalError:
                continue
            if found is None:
                break
            self._queue.done(found.message_id)
            taken.append(found.data.encode("latin-1"))
        return taken

    def close(self) -> None:
        self._queue.close()


class _Huey(Peer):
    pause_seconds = 0.2

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        self.storage = self._made()
        self._worker: Any = None
        self._arrived: list[bytes] = []

    def _made(self) -> Any:
        raise NotImplementedError

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self.storage.enqueue(payload)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count:
            found = self.storage.dequeue()
            if found is None:
                break
            taken.append(bytes(found))
        return taken

    def wait(self, seconds: float) -> bytes:
        """At the pace of huey's own worker, with the pauses that its consumer has by default."""
        if self._worker is None:
            from huey.consumer import Consumer, Worker

            given = inspect.signature(Consumer.__init__).parameters
            pace = [given[name].default for name in ("initial_delay", "max_delay", "backoff")]
            self._worker = Worker(self, threading.Event(), *pace)
        until = time.monotonic() + seconds
        while not self._arrived and time.monotonic() < until:
            self._worker.loop()
        return self._arrived.pop()

    def dequeue(self) -> Any:
        """For the worker."""
        return self.storage.dequeue()

    def execute(self, task: Any, _now: object) -> None:
        """For the worker."""
        self._arrived.append(bytes(task))


class HueyFile(_Huey):
    """huey's file storage: a file per task, under one lock; what is taken is gone at once."""

    name = "huey (file)"

    def _made(self) -> Any:
        from huey.storage import FileStorage

        return FileStorage("bench", os.path.join(self.folder, "huey"))

    def fill(self, count: int) -> None:
        """Files like the first one, with earlier times in their names."""
        self.publish(payloads_of(range(1)))
        room = self.storage.queue_path
        (first,) = os.listdir(room)
        priority, _, at = first.partition("-")
        _copy(room, first, (f"{priority}-{int(at, 16) - n:012x}" for n in range(1, count)))


class HueySqlite(_Huey):
    """huey's SQLite storage, synced at each commit; what is taken is gone at once."""

    name = "huey (SQLite)"
    durability = "full"
    crowd = 300

    def _made(self) -> Any:
        from huey.storage import SqliteStorage

        return SqliteStorage("bench", os.path.join(self.folder, "huey.db"), fsync=True)

    def fill(self, count: int) -> None:
        rows = [("bench", payload, 0) for payload in payloads_of(range(count))]
        with self.storage.db(commit=True) as cursor:
            cursor.executemany("INSERT INTO task (queue, data, priority) VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        self.storage.close()


class Kombu(Peer):
    """kombu's transport for file systems, as Celery uses it."""

    name = "kombu (filesystem)"
    crowd = 2000
    pause_seconds = 1.0

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        from kombu import Connection

        room = os.path.join(folder, "kombu")
        os.makedirs(room, exist_ok=True)
        # It moves what it takes there: on another file system it would copy.
        tempfile.tempdir = os.path.join(folder, "taken")
        os.makedirs(tempfile.tempdir, exist_ok=True)
        options = {
            "data_folder_in": room,
            "data_folder_out": room,
            "control_folder": os.path.join(folder, "control"),
        }
        self._room = room
        self._connection = Connection("filesystem://", transport_options=options)
        # One name for each folder: within a process kombu binds a name once, and then drops what
        # is published to the same one elsewhere.
        self._queue = self._connection.SimpleQueue(f"bench{zlib.crc32(folder.encode())}")

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.put(payload)

    def fill(self, count: int) -> None:
        """Files like the first one, with other numbers in their names."""
        self.publish(payloads_of(range(1)))
        (first,) = os.listdir(self._room)
        _copy(self._room, first, (first.replace("-4", f"-{n:08x}-4", 1) for n in range(1, count)))

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        with contextlib.suppress(self._queue.Empty):
            while len(taken) < count:
                message = self._queue.get(block=False)
                message.ack()
                taken.append(_bytes(message.payload))
        return taken

    def wait(self, seconds: float) -> bytes:
        message = self._queue.get(timeout=seconds)
        message.ack()
        return _bytes(message.payload)

    def close(self) -> None:
        self._queue.close()
        self._connection.close()


def _copy(room: str, first: str, names: Iterable[str]) -> None:
    with open(os.path.join(room, first), "rb") as file:
        content = file.read()
    for name in names:
        with open(os.path.join(room, name), "wb", buffering=0) as file:
            file.write(content)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1")


LIBRARIES: tuple[type[Peer], ...] = (
    Dirq,
    PersistQueue,
    LiteQueue,
    HueyFile,
    HueySqlite,
    Kombu,
)
