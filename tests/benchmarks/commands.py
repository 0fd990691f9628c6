"""Running one command after the other: `spoolq work`, nq and task-spooler, beside subprocess.run."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from spoolq.bench.rounds import Figure, of_times
from tests.benchmarks import dispatch

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIO = "a command `true`"
BARE = "subprocess.run"
Run = Callable[[str, int], float]
"""Runs so many commands, with files in a folder of its own: seconds."""


def _timed(act: Callable[[str, int], None]) -> Run:
    def run(folder: str, count: int) -> float:
        began = time.perf_counter()
        act(folder, count)
        return time.perf_counter() - began

    return run


def _bare(_folder: str, count: int) -> None:
    for _ in range(count):
        subprocess.run(["true"], check=True, stdin=subprocess.DEVNULL)


def _nq(folder: str, count: int) -> None:
    env = {**os.environ, "NQDIR": folder}
    for _ in range(count):
        subprocess.run(["nq", "-q", "true"], env=env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["nq", "-w"], env=env, check=True, stdout=subprocess.DEVNULL)


def _task_spooler(folder: str, count: int) -> None:
    env = {**os.environ, "TS_SOCKET": f"{folder}/socket", "TMPDIR": folder}
    try:
        for _ in range(count):
            subprocess.run(["tsp", "true"], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tsp", "-w"], env=env, check=False, stdout=subprocess.DEVNULL)
    finally:
        subprocess.run(["tsp", "-K"], env=env, check=False, stdout=subprocess.DEVNULL)


def _worker(output: str) -> Run:
    """The whole of a worker's run, less that of a worker that finds nothing."""

    def run(folder: str, count: int) -> float:
        idle = dispatch.work(folder, 0, 1, output, ["true"])
        return dispatch.work(folder, count, 1, output, ["true"]).less(idle).wall

    return run


def compare(folder: str, rounds: int, count: int) -> Iterator[Figure]:
    """Milliseconds a command, from the first submission to the last command's end."""
    subjects: dict[str, Run] = {BARE: _timed(_bare)}
    for output in ("capture", "discard"):
        subjects[f"spoolq work ({output})"] = _worker(output)
    for name, program, run in (("nq", "nq", _nq), ("task-spooler", "tsp", _task_spooler)):
        if shutil.which(program):
            subjects[name] = _timed(run)
        else:
            yield Figure("not measured", f"{name}: {program} is not installed", "", 0, 0, 0)
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(rounds):
        for name, timed in subjects.items():
            place = f"{folder}/{name}-{turn}"
            os.mkdir(place)
            times[name].append(timed(place, count) / count * 1e3)
    base = statistics.median(times[BARE])
    for name, found in times.items():
        yield of_times(SCENARIO, name, "off", found, base, unit="ms")
    for name, found in times.items():
        if name != BARE:
            over = [one - bare for one, bare in zip(found, times[BARE], strict=True)]
            yield of_times(f"{SCENARIO}, over {BARE}", name, "off", over, unit="ms")
