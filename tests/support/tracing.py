"""Real commands, killed with SIGKILL before one chosen system call, by strace."""

from __future__ import annotations

import functools
import re
import shutil
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

from support.processes import environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TRACED = ("strace", "-f", "-y", "-qq", "-e", "trace=%file,%desc")
CHANGES = re.compile(
    r"\b(O_CREAT|(write|pwrite64|fsync|fdatasync|ftruncate|rename\w*|link\w*|unlink\w*|mkdir\w*|rmdir"
    r"|utime\w*|f?chmod\w*)\()"
)
DIED = (-signal.SIGKILL, 128 + signal.SIGKILL)
CALL = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\(")


@functools.cache
def why_not() -> str:
    """Why processes cannot be traced here; empty when they can."""
    if shutil.which("strace") is None:
        return "strace is missing"
    ran = subprocess.run([*TRACED, "-o", "/dev/null", "true"], capture_output=True, check=False)
    return "" if ran.returncode == 0 else f"strace cannot trace here: {ran.stderr.decode()[:200]}"


def _run(
    strace: Sequence[str], command: Sequence[str], log: Path, stdin: bytes
) -> subprocess.CompletedProcess[bytes]:
    env = environment(PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    words = [*TRACED, *strace, "-o", str(log), *command]
    return subprocess.run(words, input=stdin, env=env, capture_output=True, check=False)


def calls_on(
    path: Path, command: Sequence[str], log: Path, stdin: bytes = b""
) -> list[tuple[str, int]]:
    """Run a command; its system calls below `path` as (name, how many of that name so far).

    Calls that only look are left out: whoever dies before one leaves the disk as it is before the
    next one that does more.
    """
    ran = _run((), command, log, stdin)
    assert ran.returncode == 0, ran.stderr
    counts: Counter[str] = Counter()
    found: list[tuple[str, int]] = []
    for line in log.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match is None:
            continue
        counts[match["name"]] += 1
        if f"{path}/" in line and CHANGES.search(line):
            found.append((match["name"], counts[match["name"]]))
    return found


def killed_before(
    call: tuple[str, int], command: Sequence[str], log: Path, stdin: bytes = b""
) -> bool:
    """Run a command that dies before its n-th system call of a name; whether it came to that."""
    inject = f"inject={call[0]}:signal=SIGKILL:when={call[1]}"
    return _run(("-e", inject), command, log, stdin).returncode in DIED
