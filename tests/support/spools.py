"""A spool seen from outside: its names, whether it is sound, whether it is tidy.

Written from docs/protocol.md's description of the directory alone, on purpose without spoolq.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from pathlib import Path

STATES = ("ready", "leased", "delayed", "done", "failed")
ROOMS = (*STATES, "logs", "sys", "sys/tmp", "sys/meta", "sys/history", "sys/keys", "sys/workers")

FIELD = r"[A-Za-z0-9_-]+"
ID = r"[0-9]-[0-9]{8}T[0-9]{12}-[A-Za-z0-9_-]{8,}"
TASK_NAMES = {
    "ready": re.compile(rf"(?P<id>{ID})(\.[0-9]+)?"),
    "leased": re.compile(rf"(?P<id>{ID})\.[0-9]+\.(?P<lease>{FIELD})"),
    "delayed": re.compile(rf"{FIELD}\.(?P<id>{ID})(\.[0-9]+)?"),
    "done": re.compile(rf"(?P<id>{ID})(\.cancelled)?"),
    "failed": re.compile(rf"(?P<id>{ID})"),
}
RECORD_NAMES = {
    "ready": re.compile(r"(?!)"),
    "leased": re.compile(rf"(?P<of>{FIELD})\.(lease|grace)"),
    "delayed": re.compile(r"(?!)"),
    "done": re.compile(rf"(?P<of>{ID})\.(end|result)"),
    "failed": re.compile(rf"(?P<of>{ID})\.(end|result)"),
}


def names(path: str | Path, room: str) -> list[str]:
    """The names in one directory of the spool, sorted; none when there is no such directory."""
    try:
        return sorted(os.listdir(Path(path) / room))
    except FileNotFoundError:
        return []


def tasks_in(path: str | Path, state: str) -> dict[str, str]:
    """The tasks in a state directory: file name -> job id."""
    pattern = TASK_NAMES[state]
    found = {name: pattern.fullmatch(name) for name in names(path, state)}
    return {name: match["id"] for name, match in found.items() if match}


def jobs_on_disk(path: str | Path) -> dict[str, list[str]]:
    """Job id -> every `state/name` it has; sound spools have exactly one each."""
    found: dict[str, list[str]] = {}
    for state in STATES:
        for name, job_id in tasks_in(path, state).items():
            found.setdefault(job_id, []).append(f"{state}/{name}")
    return found


def assert_spool_sound(path: str | Path) -> None:
    """Fail unless I1 holds and every name in the state directories is of the grammar.

    Only for a moment when nobody is in the middle of a move.
    """
    jobs = jobs_on_disk(path)
    several = {job_id: places for job_id, places in jobs.items() if len(places) != 1}
    assert not several, f"jobs with more than one name: {several}"
    for places in jobs.values():
        status = os.lstat(Path(path) / places[0])
        assert stat.S_ISREG(status.st_mode), f"{places[0]} is no regular file"
        assert status.st_nlink == 1, f"{places[0]} has {status.st_nlink} links"
    for state in STATES:
        strangers = [
            name
            for name in names(path, state)
            if not TASK_NAMES[state].fullmatch(name) and not RECORD_NAMES[state].fullmatch(name)
        ]
        assert not strangers, f"names in {state}/ that are not of the grammar: {strangers}"
    for name in names(path, "leased"):
        match = TASK_NAMES["leased"].fullmatch(name)
        if match:
            assert f"{match['lease']}.lease" in names(path, "leased"), f"{name} has no sidecar"
    assert isinstance(json.loads((Path(path) / "spool.json").read_text()), dict)


def assert_spool_tidy(path: str | Path, *, grace_allowed: bool = False) -> None:
    """Fail unless nothing is left over: to be asked when no job is being worked on or published.

    With `grace_allowed`, terms that a reaper gave to a lease just ended may still run out.
    """
    assert_spool_sound(path)
    jobs = jobs_on_disk(path)
    leftovers = [
        f"leased/{name}"
        for name in names(path, "leased")
        if not (grace_allowed and name.endswith(".grace"))
    ]
    leftovers += [f"sys/tmp/{name}" for name in names(path, "sys/tmp")]
    for state in ("done", "failed"):
        tasks = set(tasks_in(path, state).values())
        for name in names(path, state):
            match = RECORD_NAMES[state].fullmatch(name)
            if match and match["of"] not in tasks:
                leftovers.append(f"{state}/{name}")
    for room in ("sys/meta", "sys/history"):
        for name in names(path, room):
            match = re.match(ID, name)
            if match is None or match[0] not in jobs:
                leftovers.append(f"{room}/{name}")
    assert not leftovers, f"left over: {leftovers}"


def census(path: str | Path) -> Counter[str]:
    """How many tasks each state directory holds."""
    return Counter({state: len(tasks_in(path, state)) for state in STATES})


def everything_under(path: str | Path) -> dict[str, bytes | None]:
    """Every path under a directory, with the content of the regular files."""
    found: dict[str, bytes | None] = {}
    for place, _, files in os.walk(path):
        found[os.path.relpath(place, path)] = None
        for name in files:
            full = Path(place) / name
            regular = stat.S_ISREG(os.lstat(full).st_mode)
            found[os.path.relpath(full, path)] = full.read_bytes() if regular else None
    return found
