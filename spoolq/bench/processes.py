"""What needs processes of its own: consumers side by side, waking up, idling, memory.

Run as `python -m spoolq.bench.processes ROLE ARGUMENT...`; each role prints `ready`, waits for a
line, and ends with one line of JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

from spoolq.bench.floor import Floor
from spoolq.bench.rounds import given
from spoolq.queue import Spool, internals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Child:
    """A process in a role; started at once, `go` when it is told to, `end` for what it tells.

    Use it in `with`: a process that has not ended is killed there.

    Raises:
        RuntimeError: the process died instead of answering.
    """

    def __init__(
        self, role: str, *arguments: object, module: str = "spoolq.bench.processes"
    ) -> None:
        words = [sys.executable, "-m", module, role, *map(str, arguments)]
        self._role = role
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told: IO[str] = self._process.stdout  # type: ignore[assignment]
        self._telling: IO[str] = self._process.stdin  # type: ignore[assignment]

        self._is_ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._told.close()
        self._telling.close()

    def line(self) -> str:
        """Its next line."""
        told = self._told.readline()
        if not told:
            raise RuntimeError(f"{self._role}: the process ended early")
        return told.strip()

    def ready(self) -> None:
        """Wait until it has what it needs."""
        if not self._is_ready and self.line() != "ready":
            raise RuntimeError(f"{self._role}: the process did not start")
        self._is_ready = True

    def go(self) -> None:
        """Let it begin."""
        self.ready()
        self._telling.write("go\n")
        self._telling.flush()

    def end(self) -> dict[str, Any]:
        """Wait for its report."""
        told = dict(json.loads(self.line()))
        self._process.wait()
        return told


@dataclass(frozen=True)
class Crowd:
    """What several consumers at once did: tasks a second, microseconds of processor time a task."""

    speed: float
    cpu: float
    counts: dict[str, float]


def crowd(
    payloads: Sequence[bytes], role: str, arguments: Sequence[Sequence[object]], **where: str
) -> Crowd:
    """Let consumers in one role empty a queue that holds `payloads`, from `go` to the last task."""
    with ExitStack() as stack:
        children = [stack.enter_context(Child(role, *words, **where)) for words in arguments]
        for child in children:
            child.ready()
        began = time.perf_counter()
        for child in children:
            child.go()
        told = [child.end() for child in children]
    seconds = max(one["at"] for one in told) - began
    taken = [mark.encode("latin-1") for one in told for mark in one["taken"]]
    counts = given((mark(payload) for payload in payloads), taken)
    if any("lost" in one for one in told):
        counts["lost_renames"] = sum(one.get("lost", 0) for one in told) / len(payloads)
    cpu = sum(one["cpu"] for one in told) / len(payloads) * 1e6
    return Crowd(len(payloads) / seconds, cpu, counts)


def mark(payload: bytes) -> bytes:
    """What a task is known by."""
    return payload[:8]


def emptying(payloads: Iterable[bytes]) -> dict[str, Any]:
    """A consumer's report: what it took, and when (perf_counter is one clock for all processes)."""
    busy, at = time.process_time(), time.perf_counter()
    taken = []
    for payload in payloads:
        taken.append(payload)
        at = time.perf_counter()
    cpu = time.process_time() - busy
    return {"taken": [mark(payload).decode("latin-1") for payload in taken], "at": at, "cpu": cpu}


def ready() -> None:
    """Say so, and wait for `go`."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _consume(path: str) -> dict[str, Any]:
    """Take and finish one by one until nothing is left; renames that were lost are counted."""
    spool = Spool(path)
    lost = _counting_lost_renames(internals(spool).fs)

    def finished() -> Iterator[bytes]:
        for job in spool.jobs(idle_timeout=0):
            job.done()
            yield job.task

    ready()
    return {**emptying(finished()), "lost": lost[0]}


def _counting_lost_renames(fs: Any) -> list[int]:
    rename, lost = fs.rename, [0]

    def counted(source: str, target: str) -> None:
        try:
            rename(source, target)
        except FileNotFoundError:
            lost[0] += 1
            raise

    fs.rename = counted
    return lost


def _floor(path: str, start: str) -> dict[str, Any]:
    floor = Floor(path)
    ready()
    return {**emptying(floor.drain(float(start))), "lost": floor.lost}


def _wake(path: str, count: str) -> dict[str, Any]:
    """Take tasks that hold the time of their publishing; how long each took to arrive."""
    spool = Spool(path)
    late = []
    ready()
    for _ in range(int(count)):
        job = spool.get_job(timeout=30)
        late.append((time.monotonic_ns() - int(job.task)) / 1e6)
        job.done()
    return {"milliseconds": late}


def _idle(path: str, seconds: str) -> dict[str, Any]:
    """Wait for nothing, three times: the share of a processor that it costs once it has begun."""
    spool = Spool(path)
    spool.get_jobs(
        1, timeout=min(6.0, float(seconds))
    )  # its watch stands, its first upkeep is over
    ready()
    percents = []
    for _ in range(3):
        began, busy = time.perf_counter(), time.process_time()
        spool.get_jobs(1, timeout=float(seconds))
        spent = time.process_time() - busy
        percents.append(100 * spent / (time.perf_counter() - began))
    return {"percents": percents}


def _first(path: str) -> dict[str, Any]:
    """The first claim of a fresh process: seconds, and the process's memory at its highest."""
    ready()
    began = time.perf_counter()
    job = Spool(path).get_job(timeout=0)
    seconds = time.perf_counter() - began
    job.release()
    return {"seconds": seconds, "mebibytes": _peak_mebibytes(), "id": job.id}


def _peak_mebibytes() -> float:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            # getrusage's figure is that of the parent, when the parent was larger at the fork.
            return next(int(line.split()[1]) for line in status if line[:6] == "VmHWM:") / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


ROLES: dict[str, Callable[..., dict[str, Any]]] = {
    "consume": _consume,
    "floor": _floor,
    "wake": _wake,
    "idle": _idle,
    "first": _first,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(ROLES[sys.argv[1]](*sys.argv[2:])) + "\n")
