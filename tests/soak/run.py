"""The soak from beginning to end: load, harm, drain, judge, tell."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from support.grants import grants_by_job
from support.processes import environment, fake_clock
from support.small_disk import mount
from support.spools import assert_spool_tidy, census, names, tasks_in
from support.waits import eventually

from soak import judge
from soak.harm import OFFSETS, Harm
from soak.roles import Log
from soak.team import Team, resident_bytes
from spoolq import Spool

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

LEASE_SECONDS = 2.0
DRAIN_SECONDS = 60.0
DISK = "size=128m"
ROLES = ("publisher", "publisher", "consumer", "consumer", "consumer", "worker")


def soak(place: Path, seconds: float, seed: int, *, small_disk: bool) -> int:
    """Run it; 0 when every promise was kept, and then the directory is gone."""
    began = time.monotonic()
    logs, disk = place / "logs", place / "disk"
    logs.mkdir()
    disk.mkdir()
    print(f"soak: {seconds:.0f} s of harm, seed {seed}, in {place}", flush=True)
    if small_disk:
        mount(str(disk), DISK)
    else:
        print("no full disks: mounting is not allowed here", flush=True)
    if fake_clock("+1h") is None:
        print("no wrong clocks: Debian's package faketime is missing", flush=True)
    # Longer than anybody is frozen: a draft that is swept under its publisher is told as an error,
    # and may leave its options and its key behind, for a prune and the next publish.
    sweep_seconds = 5 * LEASE_SECONDS
    Spool.create(
        disk / "spool",
        lease_seconds=LEASE_SECONDS,
        retry_delay_seconds=0.2,
        sweep_seconds=sweep_seconds,
    ).close()
    try:
        wrong = _play(
            str(disk / "spool"), logs, seconds, seed, disk / "ballast" if small_disk else None
        )
    finally:
        print(f"{time.monotonic() - began:.0f} s in all", flush=True)
    for complaint in wrong[:20]:
        print(f"FAILED: {complaint}")
    if not wrong:
        print("All of it held.")
        if small_disk:
            subprocess.run(["umount", str(disk)], check=True)
        shutil.rmtree(place)
        return 0
    _tell_words(logs)
    if small_disk:  # it goes with us
        shutil.copytree(disk / "spool", place / "spool", symlinks=True)
    print(f"{len(wrong)} complaints; the logs and the spool are in {place}")
    print(f"again, the same harm: python tests/soak --minutes {seconds / 60:g} --seed {seed}")
    return 1


def _play(path: str, logs: Path, seconds: float, seed: int, ballast: Path | None) -> list[str]:
    """Load and harm, then quiet; what is wrong."""
    wrong: list[str] = []
    with Team(path, logs) as team:
        steady, upkeep = team.start("consumer"), team.start("upkeep")
        for role in ROLES:
            team.start(role)
        for offset in OFFSETS:
            team.start("consumer", offset)
        harm = Harm(team, seed, LEASE_SECONDS, ballast, {steady.process.pid, upkeep.process.pid})
        began, early = time.monotonic(), {}
        while not wrong and time.monotonic() < began + seconds:
            harm.one_more()
            wrong += team.ended_by_themselves()
            if not early and time.monotonic() > began + seconds / 4:
                early = {m.role: resident_bytes(m) for m in (steady, upkeep)}
        harm.wake(math.inf)
        late = {m.role: resident_bytes(m) for m in (steady, upkeep)} if not wrong else early
        wrong += judge.memory_complaint(early, late)
        for role, before in early.items():
            print(
                f"memory of the {role} nobody harmed: {before >> 10} KiB, later {late[role] >> 10} KiB"
            )
        team.end([member for member in team.members if member.role == "publisher"])
        if not wrong:
            wrong += _drained(path)
            wrong += team.ended_by_themselves()
    wrong += _quiet(path, logs)
    wrong += judge.complaints(logs, LEASE_SECONDS)
    _tell(logs, team.lives, harm.done)
    return wrong


def _drained(path: str) -> list[str]:
    """Whether the consumers end all that is left."""
    began = time.monotonic()
    while any(census(path)[state] for state in ("ready", "leased", "delayed")):
        if time.monotonic() > began + DRAIN_SECONDS:
            return [f"not drained within {DRAIN_SECONDS:.0f} s: {dict(census(path))}"]
        time.sleep(0.1)
    print(f"drained in {time.monotonic() - began:.1f} s")
    return []


def _quiet(path: str, logs: Path) -> list[str]:
    """Nobody is there any more: write down what has ended; what is not as it should be."""
    log = Log(str(logs / "end.log"))
    for state in ("done", "failed"):
        for job_id in tasks_in(path, state).values():
            log.say("ended", job_id, state)
    wrong = []
    try:
        with Spool(path) as spool:
            for room in ("leased", "sys/tmp"):
                eventually(
                    lambda room=room: spool.reap() and not names(path, room), what=f"{room} swept"
                )
        assert_spool_tidy(path)
    except AssertionError as error:
        wrong.append(str(error))
    words = [sys.executable, "-m", "spoolq", "doctor", "-s", path, "--json"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
    if ran.returncode != 0 or ran.stdout or ran.stderr:
        wrong.append(f"the doctor: {ran.returncode} {ran.stdout}{ran.stderr}")
    return wrong


def _tell(logs: Path, lives: int, harm: Counter[str]) -> None:
    """The figures."""
    grants = grants_by_job(logs)
    ended = {job_id for _, job_id, _ in judge.lines(logs, "ended")}
    figures = {
        "published": sum(1 for _ in judge.lines(logs, "published")),
        "ended": len(ended),
        "grants": sum(map(len, grants.values())),
        "redelivered": sum(of_job[-1].attempt > 1 for of_job in grants.values()),
        "refused on a full disk": sum(1 for _ in judge.lines(logs, "refused")),
        "lives of processes": lives,
        **{kind: harm[kind] for kind in ("kills", "stops", "steps", "jumps", "fills")},
    }
    print(", ".join(f"{count} {what}" for what, count in figures.items()))


def _tell_words(logs: Path) -> None:
    """What the processes had to say at their ends."""
    for said in sorted(logs.glob("said-*")):
        if words := said.read_text(errors="replace"):
            print(f"{said.name}: {words[-600:]}")
