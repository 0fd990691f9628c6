"""How long commands take from the shell's start of them to their end, as their users call them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from spoolq.bench.floor import PAYLOAD
from spoolq.bench.rounds import Figure, alternate
from spoolq.disk import identity
from spoolq.queue import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq.bench.scenarios import Scale

_TWICE = 2
_OF_A_LEASE = ("done", "fail", "release", "extend")
"""Commands that want the name of a leased job, another one each time."""


def start_up(folder: str, scale: Scale) -> Iterator[Figure]:
    """The commands that scripts call in loops, each on one job, beside `python -c pass`."""
    spool = Spool.create(f"{folder}/spool", durability="off", lease_seconds=3600.0)
    runs = _TWICE * (scale.starts + 1)
    spool.publish_many([PAYLOAD] * runs * (len(_OF_A_LEASE) + 1))
    program = identity.program(sys.executable)
    env = {**os.environ, "SPOOLQ_DIR": spool.path}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled
    held = {name: [job.name for job in spool.get_jobs(runs)] for name in _OF_A_LEASE}

    def runner(words: list[str], leases: list[str]) -> Callable[[int], None]:
        def act(count: int) -> None:
            for _ in range(count):
                _run([*words, leases.pop()] if leases else words, env)

        return act

    subjects = {"python -c pass": runner([sys.executable, "-c", "pass"], [])}
    for name in ("put", "submit", "get", *_OF_A_LEASE, "status", "ls"):
        operands = ["--", "true"] if name == "submit" else []
        subjects[name] = runner([*program, name, *operands], held.get(name, []))
    told = alternate(
        "start-up", "off", subjects, rounds=scale.starts, count=_TWICE, floor="python -c pass"
    )
    for one in told:
        milliseconds = (one.median / 1e3, one.low / 1e3, one.high / 1e3)
        yield Figure(one.scenario, one.subject, "off", *milliseconds, ratio=one.ratio, unit="ms")


def _run(words: list[str], env: dict[str, str]) -> None:
    subprocess.run(words, input=PAYLOAD, env=env, stdout=subprocess.DEVNULL, check=True)
