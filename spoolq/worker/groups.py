"""Process groups and the processes that have left them: who is there, and signals to them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

RUN_VARIABLE = "SPOOLQ_RUN"
"""In the environment of every command: a mark of this one run of it, inherited by its children."""


def signal_group(group: int, *numbers: int) -> None:
    """Send signals to whoever is left in a group."""
    for number in numbers:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def group_left(group: int) -> bool:
    """Whether the group has members (zombies too) that we may signal."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def only_zombies(group: int) -> bool:
    """Whether Linux says that nobody in the group runs any more; False where it says nothing."""
    seen = False
    for pid in _pids():
        with suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{pid}/stat", "rb") as file:
                state, _parent, its_group = file.read().rpartition(b")")[2].split()[:3]
            if int(its_group) == group:
                seen = True
                if state not in (b"Z", b"X"):
                    return False
    return seen


def marked(marks: set[bytes]) -> list[int]:
    """The processes that bear one of these SPOOLQ_RUN values in their environment (Linux)."""
    wanted = [b"%s=%s\0" % (RUN_VARIABLE.encode(), mark) for mark in marks]
    found = []
    for pid in _pids():
        with suppress(OSError):
            with open(f"/proc/{pid}/environ", "rb") as file:
                environment = file.read()
            if any(mark in environment for mark in wanted):
                found.append(pid)
    return found


def kill_marked(marks: set[bytes]) -> bool:
    """KILL the processes with these marks; whether there were any."""
    found = marked(marks) if marks else []
    for pid in found:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def _pids() -> list[int]:
    own = os.getpid()
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    return [int(name) for name in names if name.isdigit() and int(name) != own]
