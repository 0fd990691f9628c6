"""Counting NFS requests, in a guest: `python -m nfs.requests moves|idle SPOOL`. Prints JSON.

The kernel counts each mount's requests in /proc/self/mountstats; nothing else uses the mount while
this runs. Tasks must be waiting for `moves`, published by another host; none for `idle`.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from nfs.budgets import BATCH
from spoolq import Empty, Spool
from spoolq.disk.mounts import mount_at
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 20
IDLE_SECONDS = 12.0
HOUSEKEEPING = frozenset(
    ("SEQUENCE", "RENEW", "NULL", "FREE_STATEID", "TEST_STATEID", "DELEGRETURN")
)
"""What the client sends by itself: delegations are the server's idea, and go back at any time."""


def counted(point: str) -> Counter[str]:
    """Requests of each kind sent so far for the mount at `point`."""
    kinds: Counter[str] = Counter()
    inside = False
    with open("/proc/self/mountstats", encoding="utf-8") as stats:
        for line in stats:
            words = line.split()
            if words[:1] == ["device"]:
                inside = words[4] == point
            elif inside and len(words) > 8 and words[0].endswith(":"):
                kind = words[0].rstrip(":")
                if kind.isupper() and kind not in HOUSEKEEPING:
                    kinds[kind] += int(words[1])
    return kinds


def cost(point: str, work: Callable[[int], object], rounds: int = ROUNDS) -> dict[str, float]:
    """Requests of each kind that one round of `work` sends, on average, and their `total`."""
    before = counted(point)
    for number in range(rounds):
        work(number)
    spent = counted(point) - before
    told = {kind: count / rounds for kind, count in sorted(spent.items())}
    return {"total": sum(told.values()), **told}


def moves(path: str) -> dict[str, dict[str, float]]:
    """What each move costs a process that has done a few of them before."""
    point = mount_at(path).point
    told: dict[str, dict[str, float]] = {}
    jobs: list[Any] = []
    with Spool(path) as spool:
        for _ in range(4):
            spool.publish(b"warm")
            spool.get_job(0).done()
        _hold_still(spool)
        told["claim"] = cost(point, lambda _: jobs.append(spool.get_job(0)))
        told["renew"] = cost(point, lambda n: jobs[n].extend())
        told["done"] = cost(point, lambda n: jobs[n].done())
        jobs.clear()
        batch = f"of {BATCH}"
        told[f"claim {batch}"] = cost(point, lambda _: jobs.extend(spool.get_jobs(BATCH, 0)), 1)
        told[f"done {batch}"] = cost(point, lambda _: [job.done() for job in jobs], 1)
        told["publish"] = cost(point, lambda _: spool.publish(b"task"))
    return told


def _hold_still(spool: Spool) -> None:
    """Keep away what is done every second or so, however many moves are made meanwhile."""
    consumer = spool._consumer
    consumer._relist_at = math.inf
    consumer._upkeep.seconds_left = lambda: math.inf  # type: ignore[method-assign]
    consumer._pause_seen = (math.inf, False)
    consumer._journal._is_on = False


class Counting:
    """A FileSystem that counts listings, by directory."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs
        self.listings: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def list(self, name: str) -> list[str]:
        """As the real one."""
        self.listings[name] += 1
        return self._fs.list(name)  # type: ignore[no-any-return]

    def iterate(self, name: str) -> Iterator[str]:
        """As the real one."""
        self.listings[name] += 1
        return self._fs.iterate(name)  # type: ignore[no-any-return]

    def iterate_files(self, name: str) -> Iterator[str]:
        """As the real one."""
        self.listings[name] += 1
        return self._fs.iterate_files(name)  # type: ignore[no-any-return]


def idle(path: str) -> dict[str, Any]:
    """What waiting for nothing costs: requests, and the listings that were made."""
    point = mount_at(path).point
    with Spool(path) as spool:
        for timeout in (0, 8):  # until it has settled down to its slowest pace
            try:
                spool.get_job(timeout)
            except Empty:
                pass
        counting = Counting(internals(spool).fs)
        internals(spool).fs = counting  # type: ignore[assignment]
        before = counted(point)
        try:
            spool.get_job(IDLE_SECONDS)
        except Empty:
            pass
        spent = counted(point) - before
    return {"seconds": IDLE_SECONDS, "listings": counting.listings, "requests": spent}


if __name__ == "__main__":
    print(json.dumps({"moves": moves, "idle": idle}[sys.argv[1]](sys.argv[2])))
