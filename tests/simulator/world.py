"""One world: a disk, hosts with clocks of their own, processes that are killed and started again."""

from __future__ import annotations

import concurrent.futures
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from simulator import actors, faults
from simulator.disk import Disk
from simulator.filesystem import Killed, SimulatedFileSystem
from simulator.history import Broken, History
from simulator.strands import Scheduler
from spoolq.disk import chance as chance_module
from spoolq.disk import clock as clock_module
from spoolq.disk import locks
from spoolq.disk.weather import PatientFileSystem
from spoolq.holding import pruning, spare, upkeep
from spoolq.queue import Spool
from spoolq.rules import layout, leases, settings
from spoolq.verbs import journal, opening
from spoolq.verbs.context import OpenSpool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EPOCH = 1_790_000_000.0
GRAINS = (0.001, 0.004, 0.01)


class Host:
    """A machine with clocks: monotonic since its boot, and a wall clock that is wrong and jumps."""

    def __init__(self, world: World, number: int) -> None:
        chance = world.chance
        self.name = f"host{number}"
        self._world = world
        self._offset = chance.uniform(0, 1e6)
        self._rate = 1 + chance.uniform(-1, 1) * 1e-4
        self.wall_ahead = chance.choice((0.0, 3600.0, -3600.0, 1e8))

    def local(self) -> float:
        """Its monotonic clock, which drifts."""
        return self._offset + self._rate * self._world.scheduler.now

    def to_server(self, local: float) -> float:
        """The server's time at a time of the monotonic clock."""
        return EPOCH + (local - self._offset) / self._rate

    def wall(self) -> float:
        """Its wall clock, set anew at whim."""
        if self._world.chance.random() < 0.1:
            self.wall_ahead = self._world.chance.uniform(-1e5, 1e5)
        return self._world.server_time() + self.wall_ahead


class Process:
    """One process: its pid, its Spool, and what it is doing, for the judge."""

    def __init__(self, world: World, host: Host, pid: int) -> None:
        self.world, self.host, self.pid = world, host, pid
        self.fs = SimulatedFileSystem(world, self)
        self.doing = ""
        self.held_name = ""
        self.prune_age = 0.0
        self.moved: set[str] = set()
        self.leases = _LeasesOf(f"{host.name}-{pid}-")
        self.spool = self._open()

    def has_retried(self, job_id: str) -> bool:
        """Whether this process moved a failed job in this call, and it has not failed since."""
        return job_id in self.moved and not any(
            place.startswith("failed/") for place in self.world.where(job_id)
        )

    def _open(self) -> Spool:
        world, host = self.world, self.host
        fs: Any = self.fs
        if fs.is_network:
            fs = PatientFileSystem(fs, patience_seconds=2.0, sleep=world.scheduler.sleep)
        opened = opening.open_spool(fs.root, f"{host.name}-{self.pid}", fs)
        spool: Spool = object.__new__(Spool)
        spool.path = fs.root
        spool._given_owner, spool._publish_only, spool._closed = opened.owner, False, False
        spool._open = OpenSpool(
            fs,
            opened.clock,
            opened.settings,
            opened.owner,
            host.name,
            lambda: self.pid,
            world.chance.random,
            world.scheduler.sleep,
        )
        opened.clock.local = host.local
        spool._begin()
        spool._consumer._candidates._chance = world.chance
        return spool


class _LeasesOf:
    """All names of leases that one process makes."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __contains__(self, lease: str) -> bool:
        return lease.startswith(self._prefix)


class World:
    """What one seed leads to."""

    def __init__(self, seed: int, trace: Callable[..., None] | None = None) -> None:
        self.seed = seed
        self.trace = trace
        self.chance = random.Random(seed)
        self.plan = faults.plan(self.chance)
        self.scheduler = Scheduler()
        self._grain = self.chance.choice(GRAINS)
        self.disk = Disk(self.stamp, loses_power=self.plan.power_losses > 0)
        self.history = History(self)
        self.hosts = [Host(self, number) for number in range(self.plan.hosts)]
        self.operations = self.lives = self.published = self._pids = 0
        self.is_calm = self.is_over = self.is_balanced = False
        self.running: list[Process] = []
        self._make_spool()

    def _make_spool(self) -> None:
        plan = self.plan
        chosen = settings.checked(
            {
                "lease_seconds": plan.lease_seconds,
                "max_attempts": plan.max_attempts,
                "durability": plan.durability,
                "sweep_seconds": plan.sweep_seconds,
                "retry_delay_seconds": 0.5,
                "retry_delay_max_seconds": 5.0,
                "watch": "poll",
            }
        )
        for directory in layout.DIRECTORIES:
            self.disk.mkdir(directory)
        self.disk.create(layout.SETTINGS).data = settings.to_text(chosen)
        self.disk.sync_everything()
        self.disk.remember_rooms(list(layout.DIRECTORIES))

    # ----- time

    def server_time(self) -> float:
        """The true time."""
        return EPOCH + self.scheduler.now

    def stamp(self) -> float:
        """The time that the file server stamps files with: that of its last tick."""
        now = self.server_time()
        return now - now % self._grain

    @property
    def on_network(self) -> bool:
        """Whether replies get lost here."""
        return self.plan.kind == faults.NETWORK

    # ----- looking at everything

    def where(self, job_id: str) -> list[str]:
        """Every name of a job in the state directories."""
        return [
            f"{state}/{name}"
            for state in layout.STATES
            for name in self.disk.directory(state).names
            if job_id in name and not name.endswith((".end", ".result"))
        ]

    # ----- processes

    def start_process(self, host: Host, body: Any) -> None:
        """Start a process; when it is killed, another one is started in its place later."""

        def live() -> None:
            while not self.is_over:
                self._pids += 1
                process = None
                try:
                    process = self._born(host)
                    body(process)
                    return
                except Killed:
                    self.scheduler.sleep(self.chance.random() * 2)
                except OSError:
                    pass  # it could not even open the spool
                finally:
                    if process in self.running:
                        self.running.remove(process)

        self.scheduler.start(live, self.chance.random() * 0.1)

    def _born(self, host: Host) -> Process:
        process = Process(self, host, self._pids)
        self.running.append(process)
        return process

    def lose_power(self) -> None:
        """All processes die, and of the disk remains what was synced, and some of the rest."""
        self.plan.count("power loss")
        for process in self.running:
            process.fs.die()
        self.disk.lose_power(self.chance)
        self.history.power_lost()

    # ----- the course of events

    def run(self) -> None:
        """From the first publish to the last leftover. Raises Broken."""
        with _simulated(self):
            for number in range(self.plan.processes):
                host = self.hosts[number % len(self.hosts)]
                self.start_process(host, actors.worker)
            self.scheduler.start(lambda: actors.weather(self))
            self.scheduler.run()
            if not self.is_balanced:
                raise Broken("the world ended early")


class _OneAfterTheOther:
    """A pool of threads that has none."""

    def __init__(self, *_: Any) -> None:
        self.map = map

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@contextmanager
def _simulated(world: World) -> Iterator[None]:
    """Replace what is not handed in: random names, locks, threads, the wall clock, sleeping."""
    random.seed(world.seed)
    chance_module._pieces.clear()

    class Random:
        urandom = staticmethod(random.Random(world.seed + 1).randbytes)

    @contextmanager
    def upkeep_lock(_root: str, _name: str, _mode: int) -> Iterator[bool]:
        yield world.chance.random() >= world.plan.lock_denied

    class WallClock:
        time = staticmethod(world.hosts[0].wall)

    replaced = (
        (chance_module, "os", Random),
        *((module, "upkeep_lock", upkeep_lock) for module in (locks, pruning, upkeep)),
        (clock_module, "time", WallClock),
        # Simulated processes are slower than a burst of short jobs; they share leases all the same.
        (spare, "BURST", 1),
        (leases, "shared_until", lambda started, seconds: started + seconds / 4),
        (concurrent.futures, "ThreadPoolExecutor", _OneAfterTheOther),
    )
    kept = [(place, name, getattr(place, name)) for place, name, _ in replaced]
    for place, name, value in replaced:
        setattr(place, name, value)
    try:
        yield
    finally:
        for place, name, value in kept:
            setattr(place, name, value)
        journal._unwritten.clear()
