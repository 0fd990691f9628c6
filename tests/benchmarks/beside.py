"""What spoolq's own scenarios measure, of the peers too: waking up, many waiting, four consumers."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING

from spoolq.bench.rounds import Figure, of_times, quantile, worst
from tests.benchmarks import peers, place, servers, subjects
from tests.benchmarks.field import Field, Subject
from tests.benchmarks.peers import Peer, payloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.bench.processes import Crowd

FILES: tuple[type[Peer], ...] = (peers.Dirq, peers.HueyFile, peers.Kombu)
SERVERS: tuple[type[Peer], ...] = (
    servers.BeanstalkdDefault,
    servers.RedisList,
    servers.RedisQueue,
    servers.PostgresAsync,
)
"""As fast as they go: none waits for a disk."""

WAKES: tuple[type[Peer], ...] = (
    subjects.SpoolPeer,
    *SERVERS,
    peers.HueyFile,
    peers.HueySqlite,
    peers.Kombu,
)
GROWS: tuple[type[Peer], ...] = (
    subjects.SpoolPeer,
    *FILES,
    *SERVERS,
    peers.LiteQueue,
    peers.HueySqlite,
)
CROWDS: tuple[type[Peer], ...] = (
    subjects.FloorPeer,
    subjects.SpoolPeer,
    *FILES,
    *SERVERS,
    subjects.FloorPeerFull,
    subjects.SpoolPeerFull,
    peers.LiteQueue,
    peers.HueySqlite,
    servers.Beanstalkd,
    servers.Postgres,
)


def wake(folder: str, rounds: int, count: int) -> Iterator[Figure]:
    """From a publish in one process to the return of what waited for it in another."""
    chance = random.Random(4711)
    late: dict[Subject, list[float]] = defaultdict(list)
    with Field(folder, WAKES) as field:
        for _ in range(rounds):
            for one in field.each():
                with field.trying(one):
                    late[one] += _woken(one, count, chance)
        found = field.each()
    for one in found:
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            value = quantile(late[one], share)
            spread = (value, min(late[one]), max(late[one]))
            note = f"{len(late[one])} wakes"
            what = f"versus: wake-up, {name}"
            yield Figure(what, one.peer.name, one.peer.durability, *spread, unit="ms", note=note)
    yield from field.missing()


def _woken(one: Subject, count: int, chance: random.Random) -> list[float]:
    """Milliseconds; pauses fall anywhere in the pauses of those who look again and again."""
    sleepy = one.peer.pause_seconds
    if sleepy:
        count = max(3, count // 6)
    with one.child("wake", count) as child:
        child.go()
        time.sleep(0.5)  # until it waits
        for _ in range(count):
            time.sleep(chance.uniform(0.002, max(0.02, sleepy)))
            one.peer.announce(b"%d" % time.monotonic_ns())
            child.line()
        return list(child.end()["milliseconds"])


def growth(folder: str, rounds: int, waiting: tuple[int, ...], seconds: float) -> Iterator[Figure]:
    """Take + done with so many waiting; as many are published again after each turn."""
    walls: dict[tuple[type[Peer], int], list[float]] = defaultdict(list)
    never: dict[type[Peer], int] = defaultdict(int)
    os.chmod(folder, 0o755)
    with ExitStack() as stack:
        fields = {}
        counts: dict[Subject, int] = {}
        for size in waiting:
            os.mkdir(f"{folder}/{size}")
            wanted = [kind for kind in GROWS if kind.most >= size]
            fields[size] = field = stack.enter_context(Field(f"{folder}/{size}", wanted))
            for one in field.each():
                with field.trying(one):
                    one.peer.fill(size)
                    counts[one] = _bearable(one.peer, seconds)
        place.settle(folder)
        for turn in range(rounds):
            for size, field in fields.items():
                for one in field.each():
                    with field.trying(one):
                        wall, lost = _turn(one.peer, counts[one], turn)
                        walls[one.kind, size].append(wall)
                        never[one.kind] += lost
        missing = [figure for field in fields.values() for figure in field.missing()]
    for (kind, size), found in walls.items():
        base = statistics.median(walls[kind, waiting[0]])
        told: dict[str, float] = {"never": never[kind]}
        what = f"versus: take + done, {size} waiting"
        yield of_times(what, kind.name, kind.durability, found, base, counts=told)
    yield from missing


def _turn(peer: Peer, count: int, turn: int) -> tuple[float, int]:
    """Microseconds a task, and tasks that did not come.

    Taking one before is not measured: after so long a pause as the others' turns are, who keeps a
    listing looks anew, which a consumer at work does rarely.
    """
    first = peer.take(1)
    began = time.perf_counter()
    taken = peer.take(count)
    wall = (time.perf_counter() - began) / count * 1e6
    peer.publish(payloads_of(range(count + 1), turn))
    return wall, count + 1 - len(first) - len(taken)


def _bearable(peer: Peer, seconds: float) -> int:
    """How many tasks a turn of so many seconds allows; the first take, with its listing, is past."""
    for _ in range(2):
        began = time.perf_counter()
        peer.take(1)
        wall = time.perf_counter() - began
        peer.publish(payloads_of(range(1)))
    return max(3, min(100, int(seconds / wall)))


def consumers(folder: str, rounds: int, count: int, share: float) -> Iterator[Figure]:
    """So many processes empty one queue: tasks a second; `share` of each peer's usual crowd."""
    found: dict[Subject, list[Crowd]] = defaultdict(list)
    with Field(folder, CROWDS) as field:
        for turn in range(rounds):
            for one in field.each():
                payloads = payloads_of(range(max(count, int(one.peer.crowd * share))), turn)
                with field.trying(one):
                    one.peer.publish(payloads)
                    found[one].append(one.crowd(count, payloads))
        subjects = field.each()
    bases = {
        one.peer.durability: statistics.median(told.speed for told in found[one])
        for one in subjects
        if one.peer.name == "floor"
    }
    for one in subjects:
        peer, rounds_told = one.peer, found[one]
        yield of_times(
            f"versus: {count} consumers",
            peer.name,
            peer.durability,
            [told.speed for told in rounds_told],
            bases.get(peer.durability),
            statistics.median(told.cpu for told in rounds_told),
            unit="tasks/s",
            counts=worst([told.counts for told in rounds_told]),
        )
    yield from field.missing()
