"""What `spoolq work` costs for each command, beside Python's own subprocess.run of the same one.

    python tests/benchmarks/dispatch.py [--tasks N] [--slots 1,2] [--place DIR] [-- COMMAND ...]
    python tests/benchmarks/dispatch.py --memory 20000    # does the worker grow?

One JSON object a line. `overhead_ms` is wall time per task with one slot, less subprocess.run's,
`overhead_cpu_ms` the same of processor time, which a busy machine disturbs less. The worker's own
start is measured by itself and left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from spoolq import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

_BARE_RUNS = 300


@dataclass(frozen=True)
class Cost:
    """Seconds on the wall, and of all processors: ours, the worker's, its guard's, the commands'."""

    wall: float
    cpu: float

    def less(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)

    def ms_each(self, tasks: int) -> Cost:
        return Cost(round(self.wall / tasks * 1000, 3), round(self.cpu / tasks * 1000, 3))


@contextmanager
def costs(found: list[Cost]) -> Iterator[None]:
    """What is done inside."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    yield
    found.append(Cost(time.perf_counter() - wall, _cpu_seconds() - cpu))


def _cpu_seconds() -> float:
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(who)[:2]) for who in both)


def bare(command: list[str]) -> Cost:
    """Milliseconds of subprocess.run."""
    found: list[Cost] = []
    with costs(found):
        for _ in range(_BARE_RUNS):
            subprocess.run(command, check=False, stdin=subprocess.DEVNULL)
    return found[0].ms_each(_BARE_RUNS)


def work(place: str, tasks: int, slots: int, output: str, command: list[str]) -> Cost:
    """A worker for so many tasks, from its start to its end."""
    found: list[Cost] = []
    with tempfile.TemporaryDirectory(dir=place) as directory:
        spool = Spool.create(f"{directory}/spool", durability="off")
        if tasks:
            spool.publish_many([b""] * tasks)
        words = ["-j", str(slots), "--output", output, "--until-empty", "--", *command]
        with costs(found):
            subprocess.run(_worker(spool.path, *words), check=True)
    return found[0]


def _worker(path: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "spoolq", "-s", path, "work", *words]


def dispatch(place: str, tasks: int, slots: list[int], command: list[str]) -> None:
    """One line per number of slots and kind of output."""
    alone = bare(command)
    for count in slots:
        for output in ("capture", "discard"):
            idle = work(place, 0, count, output, command)
            all_of_it = work(place, tasks, count, output, command).less(idle)
            each = all_of_it.ms_each(tasks)
            tell(
                scenario="dispatch",
                command=command,
                slots=count,
                output=output,
                tasks=tasks,
                tasks_per_second=round(tasks / all_of_it.wall, 1),
                ms_per_task=each.wall,
                cpu_ms_per_task=each.cpu,
                subprocess_run_ms=alone.wall,
                subprocess_run_cpu_ms=alone.cpu,
                overhead_ms=round(each.wall - alone.wall, 3) if count == 1 else None,
                overhead_cpu_ms=round(each.cpu - alone.cpu, 3),
                start_and_end_seconds=round(idle.wall, 3),
            )


def memory(place: str, tasks: int, command: list[str]) -> None:
    """The worker's and its guard's resident memory, ten times in a run; their descriptors, too."""
    with tempfile.TemporaryDirectory(dir=place) as directory:
        spool = Spool.create(f"{directory}/spool", durability="off")
        spool.publish_many([b""] * tasks)
        worker = subprocess.Popen(
            _worker(spool.path, "-j", "2", "--output", "discard", "--until-empty", "--", *command)
        )
        done = Path(spool.path, "done")
        over = threading.Event()
        for step in range(1, 10):
            while sum(1 for _ in done.iterdir()) < 2 * tasks * step // 10 and not over.is_set():
                if worker.poll() is not None:
                    over.set()
                time.sleep(0.2)
            if not over.is_set():
                tell(scenario="memory", tasks_done=tasks * step // 10, **_usage(worker.pid))
        worker.wait()


def _usage(pid: int) -> dict[str, Any]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    guard = int(children[0])
    return {
        "worker_rss_kib": _rss_kib(pid),
        "guard_rss_kib": _rss_kib(guard),
        "worker_descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "guard_descriptors": len(list(Path(f"/proc/{guard}/fd").iterdir())),
    }


def _rss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def tell(**values: Any) -> None:
    """A line of JSON."""
    print(json.dumps(values), flush=True)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--slots", default="1,2")
    parser.add_argument("--place", default=None, help="where spools are made")
    parser.add_argument("--memory", type=int, metavar="TASKS", help="watch memory over so many")
    parser.add_argument("command", nargs="*", default=["true"])
    given = parser.parse_args()
    command = given.command or ["true"]
    if given.memory:
        memory(given.place, given.memory, command)
    else:
        dispatch(given.place, given.tasks, [int(n) for n in given.slots.split(",")], command)


if __name__ == "__main__":
    main()
