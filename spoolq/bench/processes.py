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
from typing import IO, TYPE_CHECKING, Any

from spoolq.bench.floor import Floor
from spoolq.queue import Spool, internals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Child:
    """A process in a role; started at once, `go` when it is told to, `end` for what it tells."""

    def __init__(self, role: str, *arguments: object) -> None:
        words = [sys.executable, "-m", "spoolq.bench.processes", role, *map(str, arguments)]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told: IO[str] = self._process.stdout  # type: ignore[assignment]
        self._telling: IO[str] = self._process.stdin  # type: ignore[assignment]
        if self._read() != "ready":
            raise RuntimeError(f"{role} did not start")

    def _read(self) -> str:
        return self._told.readline().strip()

    def go(self) -> None:
        """Let it begin."""
        self._telling.write("go\n")
        self._telling.flush()

    def end(self) -> dict[str, Any]:
        """Wait for its report."""
        told = self._read()
        self._process.wait()
        self._told.close()
        self._telling.close()
        return dict(json.loads(told))


def together(
    role: str, arguments: Sequence[Sequence[object]]
) -> tuple[float, list[dict[str, Any]]]:
    """Several processes in one role at the same time: seconds from the start to the last end."""
    children = [Child(role, *given) for given in arguments]
    began = time.perf_counter()
    for child in children:
        child.go()
    told = [child.end() for child in children]
    return time.perf_counter() - began, told


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _consume(path: str) -> dict[str, Any]:
    """Take and finish one by one until nothing is left; renames that were lost are counted."""
    spool = Spool(path)
    lost = _counting_lost_renames(internals(spool).fs)
    _ready()
    taken, busy = [], time.process_time()
    for job in spool.jobs(idle_timeout=0):
        taken.append(job.id)
        job.done()
    return {"taken": taken, "lost": lost[0], "cpu": time.process_time() - busy}


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
    _ready()
    busy = time.process_time()
    won, lost = floor.take_all(float(start))
    return {"taken": won, "lost": lost, "cpu": time.process_time() - busy}


def _wake(path: str, count: str) -> dict[str, Any]:
    """Take tasks that hold the time of their publishing; how long each took to arrive."""
    spool = Spool(path)
    late = []
    _ready()
    for _ in range(int(count)):
        job = spool.get_job(timeout=30)
        late.append((time.monotonic_ns() - int(job.task)) / 1e6)
        job.done()
    return {"milliseconds": late}


def _idle(path: str, seconds: str) -> dict[str, Any]:
    """Wait for nothing: the share of a processor that it costs once the watch stands."""
    spool = Spool(path)
    spool.get_jobs(
        1, timeout=min(6.0, float(seconds))
    )  # its beginning is over: watch, first upkeep
    _ready()
    began, busy = time.perf_counter(), time.process_time()
    spool.get_jobs(1, timeout=float(seconds))
    return {"percent": 100 * (time.process_time() - busy) / (time.perf_counter() - began)}


def _first(path: str) -> dict[str, Any]:
    """The first claim of a fresh process: seconds, and the process's memory at its highest."""
    _ready()
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
