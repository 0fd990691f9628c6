"""spoolq and the floors, as subjects beside the peers."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from spoolq.bench.floor import Floor, fill
from spoolq.queue import Spool
from tests.benchmarks.peers import Peer, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class FloorPeer(Peer):
    """The floor in Python."""

    name = "floor"
    crowd = 4000

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder, port)
        self._floor = Floor(folder, sync=self.durability == "full")

    def publish(self, payloads: list[bytes]) -> None:
        self._floor.publish(payloads)

    def take(self, count: int) -> list[bytes]:
        return self._floor.take(count)

    def drain(self, share: float) -> Iterator[bytes]:
        return self._floor.drain(share)


class FloorPeerFull(FloorPeer):
    """The floor with its syncs."""

    durability = "full"
    crowd = 1000


class CFloorPeer(Peer):
    """The floor in C; its own clock tells, so that starting it costs nothing."""

    name = "floor in C"

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder, port)
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise Unavailable("no C compiler")
        source = os.path.join(os.path.dirname(__file__), "floor.c")
        self._program = os.path.join(folder, "floor")
        subprocess.run([compiler, "-O2", "-o", self._program, source], check=True)
        Floor(folder)
        self._published: list[bytes] = []
        self._taken = 0
        self.nanoseconds = 0
        """What a task took in the last turn."""

    def _run(self, what: str, count: int, first: int) -> None:
        sync = "1" if self.durability == "full" else "0"
        words = [self._program, self.folder, what, str(count), str(first), sync]
        ended = subprocess.run(words, check=True, capture_output=True)
        self.nanoseconds = int(ended.stdout)

    def publish(self, payloads: list[bytes]) -> None:
        """Its tasks hold other bytes: they are known by their numbers."""
        self._run("publish", len(payloads), len(self._published))
        self._published += payloads

    def take(self, count: int) -> list[bytes]:
        """What has arrived in done/ is looked up outside of its own clock."""
        before = self._done()
        self._run("take", count, self._taken)
        self._taken += count
        return [self._published[number] for number in self._done() - before]

    def _done(self) -> set[int]:
        return {int(name[-8:]) for name in os.listdir(f"{self.folder}/done")}


class CFloorPeerFull(CFloorPeer):
    """The floor in C with its syncs."""

    durability = "full"


class SpoolPeer(Peer):
    """spoolq, as anybody would use it."""

    name = "spoolq"
    crowd = 4000

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder, port)
        path = os.path.join(folder, "spool")
        if not os.path.exists(path):
            Spool.create(path, durability=self.durability)
        self._spool = Spool(path)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._spool.publish(payload)

    def fill(self, count: int) -> None:
        fill(f"{self._spool.path}/ready", count)

    def take(self, count: int) -> list[bytes]:
        taken = []
        for job in self._spool.jobs(idle_timeout=0):
            taken.append(job.task)
            job.done()
            if len(taken) == count:
                break
        return taken

    def drain(self, share: float) -> Iterator[bytes]:
        for job in self._spool.jobs(idle_timeout=0):
            job.done()
            yield job.task

    def wait(self, seconds: float) -> bytes:
        job = self._spool.get_job(timeout=seconds)
        job.done()
        return job.task

    def close(self) -> None:
        self._spool.close()


class SpoolPeerFull(SpoolPeer):
    """spoolq, safe against power loss."""

    durability = "full"
    crowd = 1000


class SpoolBatchPeer(SpoolPeer):
    """spoolq with its batches: publish_many, get_jobs(64) and done_many."""

    name = "spoolq, batches"

    def publish(self, payloads: list[bytes]) -> None:
        self._spool.publish_many(payloads)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count and (jobs := self._spool.get_jobs(min(64, count - len(taken)), 0)):
            self._spool.done_many(jobs)
            taken += [job.task for job in jobs]
        return taken


class SpoolBatchPeerFull(SpoolBatchPeer):
    """The same, safe against power loss."""

    durability = "full"


OURS: tuple[type[Peer], ...] = (
    FloorPeer,
    FloorPeerFull,
    CFloorPeer,
    CFloorPeerFull,
    SpoolPeer,
    SpoolPeerFull,
    SpoolBatchPeer,
    SpoolBatchPeerFull,
)
