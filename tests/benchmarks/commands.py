"""Running one command after the other: `spoolq work`, nq and task-spooler, beside subprocess.run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from spoolq.bench.rounds import Figure, of_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DISPATCH = os.path.join(os.path.dirname(__file__), "dispatch.py")


def _bare(_folder: str, count: int) -> None:
    for _ in range(count):
        subprocess.run(["true"], check=True)


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


def compare(folder: str, rounds: int, count: int) -> Iterator[Figure]:
    """Milliseconds a command, from the first submission to the last command's end."""
    subjects: dict[str, Callable[[str, int], None]] = {"subprocess.run": _bare}
    for name, program, run in (("nq", "nq", _nq), ("task-spooler", "tsp", _task_spooler)):
        if shutil.which(program):
            subjects[name] = run
        else:
            yield Figure("not measured", f"{name}: {program} is not installed", "", 0, 0, 0)
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(rounds):
        for name, run in subjects.items():
            place = f"{folder}/{name}-{turn}"
            os.mkdir(place)
            began = time.perf_counter()
            run(place, count)
            times[name].append((time.perf_counter() - began) / count * 1e3)
    for name, found in times.items():
        yield of_times("a command `true`", name, "off", found, unit="ms")
    yield from _worker(folder, count)


def _worker(folder: str, count: int) -> Iterator[Figure]:
    """What `spoolq work` adds to subprocess.run, as its own measurement tells it."""
    words = [sys.executable, DISPATCH, "--tasks", str(count), "--slots", "1", "--place", folder]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    for line in ended.stdout.splitlines():
        told = json.loads(line)
        added = told.get("overhead_ms")
        if added is not None:
            name = f"spoolq work ({told.get('output', '')})"
            note = "over subprocess.run"
            yield Figure("a command `true`", name, "off", added, added, added, unit="ms", note=note)
