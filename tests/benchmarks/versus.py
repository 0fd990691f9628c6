"""spoolq, the floors and the peers side by side: each round every one of them has its turn."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from spoolq.bench.floor import PAYLOAD, Floor
from spoolq.bench.rounds import Figure, of_times
from spoolq.queue import Spool
from tests.benchmarks.peers import LIBRARIES, Peer, Unavailable
from tests.benchmarks.servers import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator


class SpoolPeer(Peer):
    """spoolq, as anybody would use it."""

    def __init__(self, folder: str, durability: str) -> None:
        super().__init__(folder)
        self.name, self.durability = "spoolq", durability
        self._spool = Spool.create(os.path.join(folder, "spool"), durability=durability)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._spool.publish(payload)

    def take(self, count: int) -> list[bytes]:
        taken = []
        for job in self._spool.jobs(idle_timeout=0):
            taken.append(job.task)
            job.done()
            if len(taken) == count:
                break
        return taken


class SpoolBatchPeer(SpoolPeer):
    """spoolq with its batches: publish_many and get_jobs(64)."""

    def __init__(self, folder: str, durability: str) -> None:
        super().__init__(folder, durability)
        self.name = "spoolq, batches"

    def publish(self, payloads: list[bytes]) -> None:
        self._spool.publish_many(payloads)

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count and (jobs := self._spool.get_jobs(min(64, count - len(taken)), 0)):
            for job in jobs:
                taken.append(job.task)
                job.done()
        return taken


class FloorPeer(Peer):
    """The floor in Python: it counts and does not look at what it takes."""

    def __init__(self, folder: str, durability: str) -> None:
        super().__init__(folder)
        self.name, self.durability = "floor", durability
        self._floor = Floor(folder, sync=durability == "full")

    def publish(self, payloads: list[bytes]) -> None:
        self._floor.publish(len(payloads))

    def take(self, count: int) -> list[bytes]:
        self._floor.take(count)
        return []


class CFloorPeer(Peer):
    """The floor in C; its own clock tells, so that starting it costs nothing."""

    def __init__(self, folder: str, durability: str) -> None:
        super().__init__(folder)
        self.name, self.durability = "floor in C", durability
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise Unavailable("no C compiler")
        source = os.path.join(os.path.dirname(__file__), "floor.c")
        self._program = os.path.join(folder, "floor")
        subprocess.run([compiler, "-O2", "-o", self._program, source], check=True)
        Floor(folder)
        self._made = self._taken = 0
        self.nanoseconds = 0

    def _run(self, what: str, count: int, first: int) -> None:
        sync = "1" if self.durability == "full" else "0"
        words = [self._program, self.folder, what, str(count), str(first), sync]
        ended = subprocess.run(words, check=True, capture_output=True)
        self.nanoseconds = int(ended.stdout)

    def publish(self, payloads: list[bytes]) -> None:
        self._run("publish", len(payloads), self._made)
        self._made += len(payloads)

    def take(self, count: int) -> list[bytes]:
        self._run("take", count, self._taken)
        self._taken += count
        return []


def _made(folder: str, *, with_peers: bool) -> tuple[list[Peer], list[str]]:
    """All subjects that can be had here, and why the others cannot."""
    peers: list[Peer] = []
    missing: list[str] = []
    wanted: list[tuple[str, Any]] = [
        (f"{kind.__name__} {durability}", lambda place, k=kind, d=durability: k(place, d))
        for kind in (FloorPeer, CFloorPeer, SpoolPeer, SpoolBatchPeer)
        for durability in ("off", "full")
    ]
    if with_peers:
        wanted += [(kind.name, kind) for kind in (*LIBRARIES, *SERVERS)]
    for number, (name, make) in enumerate(wanted):
        place = os.path.join(folder, f"peer-{number}")
        os.mkdir(place)
        try:
            peers.append(make(place))
        except (ImportError, Unavailable, OSError, subprocess.SubprocessError) as error:
            missing.append(f"{name}: {error}")
    return peers, missing


def compare(
    folder: str, rounds: int, count: int, synced: int, *, with_peers: bool
) -> Iterator[Figure]:
    """Publish, then take and finish, one by one; what was lost or given twice is counted."""
    os.chmod(folder, 0o755)
    peers, missing = _made(folder, with_peers=with_peers)
    times: dict[tuple[int, str], list[float]] = {}
    given: dict[int, Counter[bytes]] = {id(peer): Counter() for peer in peers}
    for turn in range(rounds + 1):
        for peer in peers:
            size = synced if peer.durability == "full" else count
            payloads = [b"%08d-%08d" % (turn, n) + PAYLOAD[17:] for n in range(size)]
            began = time.perf_counter()
            peer.publish(payloads)
            _note(times, peer, "publish", began, size, turn)
            began = time.perf_counter()
            taken = peer.take(size)
            _note(times, peer, "take + done", began, size, turn)
            if not isinstance(peer, (FloorPeer, CFloorPeer)):
                given[id(peer)].update(taken)
                given[id(peer)].subtract(payloads)
    for what in ("publish", "take + done"):
        yield from _figures(peers, times, given, what)
    for peer in peers:
        peer.close()
    for line in missing:
        yield Figure("not measured", line, "", 0, 0, 0)


def _note(
    times: dict[tuple[int, str], list[float]],
    peer: Peer,
    what: str,
    began: float,
    size: int,
    turn: int,
) -> None:
    wall = (time.perf_counter() - began) / size * 1e6
    if isinstance(peer, CFloorPeer):
        wall = peer.nanoseconds / 1e3
    if turn:
        times.setdefault((id(peer), what), []).append(wall)


def _figures(
    peers: list[Peer],
    times: dict[tuple[int, str], list[float]],
    given: dict[int, Counter[bytes]],
    what: str,
) -> Iterator[Figure]:
    bases = {
        peer.durability: sorted(times[id(peer), what])[len(times[id(peer), what]) // 2]
        for peer in peers
        if isinstance(peer, FloorPeer)
    }
    for peer in peers:
        counts = given[id(peer)]
        twice, never = sum((+counts).values()), sum((-counts).values())
        note = "" if isinstance(peer, (FloorPeer, CFloorPeer)) else f"{twice} twice, {never} never"
        base = bases[peer.durability]
        yield of_times(
            f"versus: {what}", peer.name, peer.durability, times[id(peer), what], base, note=note
        )
