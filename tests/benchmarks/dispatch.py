"""What `spoolq work` costs for each command, beside Python's own subprocess.run of the same one.

    python tests/benchmarks/dispatch.py [--tasks N] [--slots 1,2] [--place DIR] [-- COMMAND ...]
    python tests/benchmarks/dispatch.py --memory 20000    # does the worker grow?

One JSON object a line. `overhead_ms` is wall time per task with one slot, less subprocess.run's; the
worker's own start is measured by itself and left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from spoolq import Spool

_BARE_RUNS = 300


def bare_ms(command: list[str]) -> float:
    """Milliseconds of subprocess.run."""
    begun = time.perf_counter()
    for _ in range(_BARE_RUNS):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - begun) / _BARE_RUNS * 1000


def worker_seconds(place: str, tasks: int, slots: int, output: str, command: list[str]) -> float:
    """Seconds that a worker takes for so many tasks, from start to end."""
    with tempfile.TemporaryDirectory(dir=place) as directory:
        spool = Spool.create(f"{directory}/spool", durability="off")
        if tasks:
            spool.publish_many([b""] * tasks)
        words = ["-j", str(slots), "--output", output, "--until-empty", "--", *command]
        begun = time.perf_counter()
        subprocess.run(_worker(spool.path, *words), check=True)
        return time.perf_counter() - begun


def _worker(path: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "spoolq", "-s", path, "work", *words]


def dispatch(place: str, tasks: int, slots: list[int], command: list[str]) -> None:
    """One line per number of slots and kind of output."""
    bare = bare_ms(command)
    for count in slots:
        for output in ("capture", "discard"):
            idle = worker_seconds(place, 0, count, output, command)
            seconds = worker_seconds(place, tasks, count, output, command) - idle
            per_task = seconds / tasks * 1000
            tell(
                scenario="dispatch",
                command=command,
                slots=count,
                output=output,
                tasks=tasks,
                tasks_per_second=round(tasks / seconds, 1),
                ms_per_task=round(per_task, 3),
                subprocess_run_ms=round(bare, 3),
                overhead_ms=round(per_task - bare, 3) if count == 1 else None,
                start_and_end_seconds=round(idle, 3),
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
