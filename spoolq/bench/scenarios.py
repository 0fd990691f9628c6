"""The scenarios: each makes what it needs in a directory of its own and yields its figures."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spoolq.bench.floor import PAYLOAD, Floor, fill, oldest
from spoolq.bench.processes import Child, Crowd, crowd
from spoolq.bench.rounds import Figure, alternate, of_times, quantile, worst
from spoolq.bench.starting import start_up
from spoolq.queue import Spool, internals
from spoolq.verbs.reap import Reaper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq.holding.job import Job


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: rounds, tasks in a round, and waiting tasks in the growth scenario."""

    rounds: int = 15
    count: int = 200
    synced: int = 25
    crowd: int = 8000
    waiting: tuple[int, ...] = (1000, 10_000, 100_000)
    wakes: int = 200
    starts: int = 9
    idle_seconds: float = 5.0
    leases: int = 200
    consumers: tuple[int, ...] = (2, 4, 8)


QUICK = Scale(3, 32, 5, 200, (100, 1000), 10, 1, 0.5, 5, (2,))


def publish(folder: str, scale: Scale) -> Iterator[Figure]:
    """One task at a time, for each durability."""
    for durability in ("off", "full"):
        sync = durability == "full"
        floor = Floor(f"{folder}/floor-{durability}", sync=sync)
        spool = Spool.create(f"{folder}/spool-{durability}", durability=durability)
        acts: dict[str, Callable[[int], object]]
        acts = {"floor": _floor_publisher(floor), "spoolq": _publisher(spool)}
        count = scale.synced if sync else scale.count
        yield from alternate("publish", durability, acts, rounds=scale.rounds, count=count)


def _floor_publisher(floor: Floor) -> Callable[[int], None]:
    return lambda count: floor.publish([PAYLOAD] * count)


def _publisher(spool: Spool) -> Callable[[int], None]:
    def act(count: int) -> None:
        for _ in range(count):
            spool.publish(PAYLOAD)

    return act


def publish_batches(folder: str, scale: Scale) -> Iterator[Figure]:
    """publish_many of 100 beside publishing one by one; the ratio is to single publishing."""
    for durability in ("off", "full"):
        spool = Spool.create(f"{folder}/spool-{durability}", durability=durability)
        single = _publisher(spool)

        def many(count: int, spool: Spool = spool) -> None:
            for _ in range(max(1, count // 100)):
                spool.publish_many([PAYLOAD] * 100)

        walls: dict[str, list[float]] = {"single": [], "of 100": []}
        for turn in range(scale.rounds + 1):
            for name, act, count in (("single", single, scale.synced), ("of 100", many, 100)):
                began = time.perf_counter()
                act(count)
                if turn:
                    walls[name].append((time.perf_counter() - began) / count * 1e6)
        base = sorted(walls["single"])[len(walls["single"]) // 2]
        for name, times in walls.items():
            yield of_times("publish_many", f"spoolq, {name}", durability, times, base)


def take(folder: str, scale: Scale) -> Iterator[Figure]:
    """get_job + done one at a time, beside the floor that writes a sidecar too."""
    for durability in ("off", "full"):
        sync = durability == "full"
        count = scale.synced if sync else scale.count
        total = count * (scale.rounds + 1)
        floor = Floor(f"{folder}/floor-{durability}", sync=sync)
        Floor(floor.root).publish([PAYLOAD] * total)
        spool = Spool.create(f"{folder}/spool-{durability}", durability=durability)
        fill(f"{spool.path}/ready", total)

        def one_by_one(count: int, spool: Spool = spool) -> None:
            for _ in range(count):
                spool.get_job(0).done()

        acts: dict[str, Callable[[int], object]] = {"floor": floor.take, "spoolq": one_by_one}
        yield from alternate("get_job + done", durability, acts, rounds=scale.rounds, count=count)


def take_batches(folder: str, scale: Scale) -> Iterator[Figure]:
    """get_jobs(64), then done of each or done_many, beside the floor without any sidecar."""
    for durability in ("off", "full"):
        sync = durability == "full"
        count = 64 if sync else max(64, scale.count // 64 * 64)
        rounds = max(1, scale.rounds // 3) if sync else scale.rounds
        floor = Floor(f"{folder}/floor-{durability}", sync=sync)
        payloads = [PAYLOAD] * count * (rounds + 1)
        Floor(floor.root).publish(payloads)
        each, many = (
            Spool.create(f"{folder}/{name}-{durability}", durability=durability)
            for name in ("each", "many")
        )
        for spool in (each, many):
            spool.publish_many(payloads)
        subjects = {
            "floor": _batches_off(floor),
            "spoolq": _batches_of(each, _end_each),
            "spoolq, done_many": _batches_of(many, many.done_many),
        }
        scenario = "get_jobs(64) + done"
        yield from alternate(scenario, durability, subjects, rounds=rounds, count=count)


def _end_each(jobs: list[Job]) -> None:
    for job in jobs:
        job.done()


def _batches_off(floor: Floor) -> Callable[[int], object]:
    return lambda count: floor.take(count, sidecar=False)


def _batches_of(spool: Spool, end: Callable[[list[Job]], object]) -> Callable[[int], None]:
    def act(count: int) -> None:
        for _ in range(count // 64):
            end(spool.get_jobs(64, 0))

    return act


def renew(folder: str, scale: Scale) -> Iterator[Figure]:
    """One renewal: a new sidecar, a rename, the old sidecar unlinked."""
    floor = Floor(f"{folder}/floor")
    floor.hold_one()
    spool = Spool.create(f"{folder}/spool", durability="off")
    spool.publish(PAYLOAD)
    job = spool.get_job(0)

    def extend(count: int) -> None:
        for _ in range(count):
            job.extend()

    subjects = {"floor": floor.renew, "spoolq": extend}
    yield from alternate("extend", "off", subjects, rounds=scale.rounds, count=scale.count)


def consumers(folder: str, scale: Scale) -> Iterator[Figure]:
    """Several processes empty one spool: tasks a second, lost renames, duplicates and losses."""
    payloads = [b"%08d" % number + PAYLOAD[8:] for number in range(scale.crowd)]
    for count in scale.consumers:
        found: dict[str, list[Crowd]] = {"floor": [], "spoolq": []}
        for turn in range(max(1, scale.rounds // 4)):
            floor = Floor(f"{folder}/floor-{count}-{turn}")
            floor.publish(payloads)
            slices = [(floor.root, n / count) for n in range(count)]
            found["floor"].append(crowd(payloads, "floor", slices))
            spool = Spool.create(f"{folder}/spool-{count}-{turn}", durability="off")
            spool.publish_many(payloads)
            found["spoolq"].append(crowd(payloads, "consume", [(spool.path,)] * count))
        base = statistics.median(one.speed for one in found["floor"])
        for name, rounds in found.items():
            yield of_times(
                f"{count} consumers",
                name,
                "off",
                [one.speed for one in rounds],
                base,
                statistics.median(one.cpu for one in rounds),
                unit="tasks/s",
                note="each in its own slice" if name == "floor" else "",
                counts=worst([one.counts for one in rounds]),
            )


def wake_up(folder: str, scale: Scale) -> Iterator[Figure]:
    """From a publish in one process to get_job's return in another that takes all the time."""
    spool = Spool.create(f"{folder}/spool", durability="off")
    with Child("wake", spool.path, scale.wakes) as child:
        child.go()
        time.sleep(1.0)  # until its watch stands
        for number in range(scale.wakes):
            spool.publish(str(time.monotonic_ns()).encode())
            time.sleep(0.004 + 0.001 * (number % 7))
        late = child.end()["milliseconds"]
    found = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    for name, share in found.items():
        value = quantile(late, share)
        yield Figure("wake-up", name, "off", value, min(late), max(late), unit="ms")


def idle(folder: str, scale: Scale) -> Iterator[Figure]:
    """What a blocked consumer costs."""
    spool = Spool.create(f"{folder}/spool", durability="off")
    with Child("idle", spool.path, scale.idle_seconds) as child:
        child.go()
        percents = child.end()["percents"]
    yield of_times("idle consumer", "spoolq", "off", percents, unit="% CPU")


def growth(folder: str, scale: Scale) -> Iterator[Figure]:
    """First claim and memory of a fresh process, then claim + done, by how many tasks wait.

    The waiting tasks are empty: a million blocks would measure the disk.
    """
    spools = {}
    for waiting in scale.waiting:
        spool = Spool.create(f"{folder}/spool-{waiting}", durability="off")
        fill(f"{spool.path}/ready", waiting)
        spools[f"{waiting} waiting"] = spool
    for name, spool in spools.items():
        told = [_first_claim(spool.path) for _ in range(3)]
        seconds = [one["seconds"] for one in told]
        counts = {"out_of_order": sum(one["id"] != oldest() for one in told)}
        yield of_times("first claim", name, "off", seconds, unit="s", counts=counts)
        peaks = [one["mebibytes"] for one in told]
        yield of_times("memory of the first claim", name, "off", peaks, unit="MiB")

    def taker(spool: Spool) -> Callable[[int], None]:
        def act(count: int) -> None:
            for _ in range(count):
                spool.get_job(0).done()

        return act

    subjects = {name: taker(spool) for name, spool in spools.items()}
    yield from alternate(
        "get_job + done",
        "off",
        subjects,
        rounds=scale.rounds,
        count=min(scale.count, scale.waiting[0]),
        floor=next(iter(subjects)),
        restore=lambda name, count: spools[name].publish_many([b""] * count),
    )


def _first_claim(path: str) -> dict[str, Any]:
    with Child("first", path) as child:
        child.go()
        return child.end()


def reap(folder: str, scale: Scale) -> Iterator[Figure]:
    """A pass over live leases, 50 tasks under each sidecar: the first one and those after it."""
    spool = Spool.create(f"{folder}/spool", durability="off", lease_seconds=3600.0)
    spool.publish_many([PAYLOAD] * 50 * scale.leases)
    held = [spool.get_jobs(50, 0) for _ in range(scale.leases)]
    first: list[float] = []
    later: list[float] = []
    for _ in range(5):
        reaper = Reaper(internals(spool))
        for times in (first, later, later):
            began = time.perf_counter()
            reaper.look()
            times.append((time.perf_counter() - began) * 1e3)
    note = f"{sum(map(len, held))} leased tasks, {scale.leases} sidecars"
    yield of_times("reap pass", "first", "off", first, unit="ms", note=note)
    yield of_times("reap pass", "later", "off", later, unit="ms", note=note)


def look_ups(folder: str, scale: Scale) -> Iterator[Figure]:
    """get and cancel by id, with tasks waiting around."""
    spool = Spool.create(f"{folder}/spool", durability="off")
    fill(f"{spool.path}/ready", max(scale.waiting[:2]))
    ids = spool.publish_many([PAYLOAD] * scale.count * (scale.rounds + 1))
    left = iter(ids)
    subjects: dict[str, Callable[[int], object]] = {
        "get": lambda count: [spool.get(job_id) for job_id in ids[:count]],
        "cancel": lambda count: [spool.cancel(next(left)) for _ in range(count)],
    }
    yield from alternate("by id", "off", subjects, rounds=scale.rounds, count=scale.count)


ALL: dict[str, Callable[[str, Scale], Iterator[Figure]]] = {
    "publish": publish,
    "publish_many": publish_batches,
    "take": take,
    "take_many": take_batches,
    "extend": renew,
    "consumers": consumers,
    "wake": wake_up,
    "idle": idle,
    "growth": growth,
    "reap": reap,
    "by_id": look_ups,
    "start": start_up,
}
"""Every scenario by its short name."""
