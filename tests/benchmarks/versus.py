"""spoolq, the floors and the peers side by side: each round every one of them has its turn."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from spoolq.bench.rounds import Figure, given, of_times
from tests.benchmarks.field import Field, Subject
from tests.benchmarks.peers import LIBRARIES, Peer, payloads_of
from tests.benchmarks.servers import SERVERS
from tests.benchmarks.subjects import OURS, CFloorPeer

if TYPE_CHECKING:
    from collections.abc import Iterator

WHAT = ("publish", "take + done")
Walls = dict[tuple[Subject, str], list[float]]


def compare(
    folder: str, rounds: int, count: int, synced: int, *, with_peers: bool
) -> Iterator[Figure]:
    """Publish, then take and finish, one by one; what was lost or given twice is counted."""
    kinds = (*OURS, *LIBRARIES, *SERVERS) if with_peers else OURS
    walls: Walls = defaultdict(list)
    published: dict[Subject, list[bytes]] = defaultdict(list)
    taken: dict[Subject, list[bytes]] = defaultdict(list)
    with Field(folder, kinds) as field:
        for turn in range(rounds + 1):
            for one in field.each():
                size = synced if one.peer.durability == "full" else count
                payloads = payloads_of(range(size), turn)
                with field.trying(one):
                    began = time.perf_counter()
                    one.peer.publish(payloads)
                    between = time.perf_counter()
                    published[one] += payloads
                    spent = [_microseconds(one.peer, between - began, size)]
                    between = time.perf_counter()
                    taken[one] += one.peer.take(size)
                    ended = time.perf_counter()
                    spent.append(_microseconds(one.peer, ended - between, size))
                    if turn:  # the first one warms up
                        for what, wall in zip(WHAT, spent, strict=True):
                            walls[one, what].append(wall)
        subjects = field.each()
        counts = {one: given(published[one], taken[one]) for one in subjects}
    for what in WHAT:
        yield from _figures(subjects, walls, counts, what)
    yield from field.missing()


def _microseconds(peer: Peer, seconds: float, count: int) -> float:
    if isinstance(peer, CFloorPeer):
        return peer.nanoseconds / 1e3
    return seconds / count * 1e6


def _figures(
    subjects: list[Subject],
    walls: Walls,
    counts: dict[Subject, dict[str, float]],
    what: str,
) -> Iterator[Figure]:
    bases = {
        one.peer.durability: statistics.median(walls[one, what])
        for one in subjects
        if one.peer.name == "floor"
    }
    for one in subjects:
        peer = one.peer
        base = bases.get(peer.durability)
        yield of_times(
            f"versus: {what}",
            peer.name,
            peer.durability,
            walls[one, what],
            base,
            counts=counts[one],
        )
