"""Playing many worlds, on several processors, until enough lives are lived or one world breaks."""

from __future__ import annotations

import itertools
import multiprocessing
import traceback
import zlib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEEDS_AT_ONCE = 5


@dataclass
class Played:
    """What came of some worlds; `broken` tells of the first one that a guarantee broke in."""

    worlds: int = 0
    lives: int = 0
    operations: int = 0
    digest: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def add(self, other: Played) -> None:
        """Join another's sums."""
        self.worlds += other.worlds
        self.lives += other.lives
        self.operations += other.operations
        if other.worlds:
            self.digest = zlib.crc32(b"%d" % other.digest, self.digest)
        self.injected += other.injected
        self.broken |= other.broken


def play(seeds: Iterator[int] | range, trace: Callable[..., None] | None = None) -> Played:
    """Play these worlds one after the other; stops at the first that breaks."""
    played = Played()
    for seed in seeds:
        world = World(seed, trace)
        try:
            world.run()
        except Exception as error:
            played.broken[seed] = f"{type(error).__name__}: {error}\n{_place(error)}\n{world.plan}"
        played.worlds += 1
        played.lives += world.lives
        played.operations += world.operations
        played.injected += world.plan.injected
        played.digest = zlib.crc32(b"%d" % world.history.digest, played.digest)
        if played.broken:
            break
    return played


def _place(error: BaseException) -> str:
    steps = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{step.filename.rsplit('/', 2)[-1]}:{step.lineno}" for step in steps[::-1])


def play_many(first: int, last: int | None, lives: int | None, processes: int) -> Played:
    """Play from seed `first` on, to `last` or until so many lives are lived."""
    chunks = (
        range(start, min(start + SEEDS_AT_ONCE, (last or 10**12) + 1))
        for start in itertools.count(first, SEEDS_AT_ONCE)
    )
    total = Played()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        running: list[Any] = [pool.submit(play, next(chunks)) for _ in range(processes + 1)]
        while running:
            total.add(running.pop(0).result())
            enough = total.broken or (lives is not None and total.lives >= lives)
            chunk = next(chunks)
            if not enough and chunk:
                running.append(pool.submit(play, chunk))
    return total
