"""The peers that are Python libraries: one class each, with equal payloads and durability classes.

A peer publishes, takes and finishes; what it cannot have on this machine it says by `Unavailable`.
`take` takes and acknowledges up to `count` tasks and returns their payloads, so that losses and
duplicates can be counted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Any


class Unavailable(Exception):
    """Why a peer is not measured."""


class Peer:
    """One library on one directory. `durability`: what survives when a publish has returned."""

    name = ""
    durability = "off"

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def publish(self, payloads: list[bytes]) -> None:
        raise NotImplementedError

    def take(self, count: int) -> list[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        """End servers and connections."""


class Dirq(Peer):
    """dirq's QueueSimple: link and rename in directories; no leases, a lock must be purged."""

    name = "dirq"

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        from dirq.QueueSimple import QueueSimple

        self._queue = QueueSimple(folder)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.add(payload)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        for name in self._queue:
            if len(taken) >= count:
                break
            if self._queue.lock(name):
                taken.append(_bytes(self._queue.get(name)))
                self._queue.remove(name)
        return taken


class PersistQueue(Peer):
    """persist-queue's SQLiteAckQueue."""

    name = "persist-queue (SQLite)"
    durability = "full"

    def __init__(self, folder: str) -> None:
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


class LiteQueue(Peer):
    """litequeue: one SQLite table."""

    name = "litequeue"
    durability = "full"

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        from litequeue import LiteQueue as Queue

        self._queue = Queue(os.path.join(folder, "queue.db"))
        self._queue.conn.execute("PRAGMA synchronous=FULL")

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.put(payload.decode("latin-1"))

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


class _Huey(Peer):
    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._storage = self._made()

    def _made(self) -> Any:
        raise NotImplementedError

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._storage.enqueue(payload)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count:
            found = self._storage.dequeue()
            if found is None:
                break
            taken.append(bytes(found))
        return taken


class HueyFile(_Huey):
    """huey's file storage: a file per task, under one lock; what is taken is gone at once."""

    name = "huey (file)"

    def _made(self) -> Any:
        from huey.storage import FileStorage

        return FileStorage("bench", os.path.join(self.folder, "huey"))


class HueySqlite(_Huey):
    """huey's SQLite storage, synced at each commit; what is taken is gone at once."""

    name = "huey (SQLite)"
    durability = "full"

    def _made(self) -> Any:
        from huey.storage import SqliteStorage

        return SqliteStorage("bench", os.path.join(self.folder, "huey.db"), fsync=True)


class Kombu(Peer):
    """kombu's transport for file systems, as Celery uses it."""

    name = "kombu (filesystem)"

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        from kombu import Connection

        room = os.path.join(folder, "kombu")
        os.makedirs(room, exist_ok=True)
        options = {
            "data_folder_in": room,
            "data_folder_out": room,
            "control_folder": os.path.join(folder, "control"),
        }
        self._connection = Connection("filesystem://", transport_options=options)
        self._queue = self._connection.SimpleQueue("bench")

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.put(payload)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        with contextlib.suppress(self._queue.Empty):
            while len(taken) < count:
                message = self._queue.get(block=False)
                message.ack()
                taken.append(_bytes(message.payload))
        return taken

    def close(self) -> None:
        self._queue.close()
        self._connection.close()


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
