"""Runs the whole suite in two parts side by side: what `bin/test` does when it is given no arguments.

Tests that mostly wait, for leases and for other processes, are shown as they run; those that compute
run beside them and are shown when they are over. Then come the sums of both. The exit status is 0 if
all passed, else pytest's (2: interrupted). Whatever ends this ends both parts.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

TESTS = Path(__file__).resolve().parent
COMPUTING = ("budgets", "docs", "faults", "fuzz", "house", "simulator", "stateful", "unit")
"""The directories of those that compute; all others wait, new ones too."""
PATIENCE_SECONDS = 30  # for a part that was interrupted, to end what its tests have started


class Part:
    """One pytest, in a process group of its own, so that an interrupt reaches it once: from here."""

    def __init__(self, name: str, places: list[str], place: Path, *, shown: bool) -> None:
        self.name = name
        self.figures = place / f"{name}.json"
        self.cache = place / f"{name}.cache"
        self.said = None if shown else place / f"{name}.txt"
        words = [*places, f"--figures={self.figures}", "-o", f"cache_dir={self.cache}"]
        if sys.stdout.isatty():
            words.append("--color=yes")
        env = os.environ | {"COLUMNS": str(shutil.get_terminal_size().columns)}
        out = None if self.said is None else self.said.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *words],
            cwd=TESTS.parent, env=env, process_group=0,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out and subprocess.STDOUT,
        )  # fmt: skip
        if out is not None:
            out.close()

    def signal(self, number: int) -> None:
        """Send it to all of the part that still runs."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def show(self) -> None:
        """What it has said, unless that was shown as it was said."""
        if self.said is not None:
            print(f"\n----- the tests that {self.name}, run beside these:", flush=True)
            with self.said.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()

    def status(self) -> int:
        """Its exit status, as a shell tells it."""
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def counted(self) -> dict[str, dict[str, int]]:
        """What it has counted; nothing if it did not come to its end."""
        try:
            found: dict[str, dict[str, int]] = json.loads(self.figures.read_text())
        except FileNotFoundError:
            return {}
        return found


def end_by_signals(parts: list[Part]) -> list[int]:
    """Let a signal interrupt all parts, and the next one kill them; the list will tell what came."""
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        signal.alarm(PATIENCE_SECONDS)
        for part in parts:
            part.signal(signal.SIGINT if len(came) == 1 else signal.SIGKILL)

    # Of a shell without job control come SIGINT and, from nohup, SIGHUP ignored: the latter on purpose.
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGALRM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        signal.signal(number, stop)
    return came


def remember_failures(parts: list[Part]) -> None:
    """Let `bin/test --lf` know what failed in either part."""
    failed: dict[str, bool] = {}
    for part in parts:
        with suppress(FileNotFoundError):
            failed |= json.loads((part.cache / "v/cache/lastfailed").read_text())
    known = TESTS.parent / ".pytest_cache/v/cache/lastfailed"
    with suppress(OSError):  # the checkout may be read-only
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(failed))


def tell(parts: list[Part]) -> int:
    """The sums of both parts, and the exit status."""
    from support import tally

    outcomes: Counter[str] = Counter()
    for part in parts:
        counted = part.counted()
        tally.faults.update(counted.get("faults", {}))
        tally.others.update(counted.get("others", {}))
        outcomes.update(counted.get("outcomes", {}))
    print("\n" + " the whole suite ".center(80, "="))
    for line in tally.lines():
        print(line)
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    for part in parts:
        if part.status():
            print(f"NOT PASSED: the tests that {part.name}, exit status {part.status()}")
    return max(part.status() for part in parts)


def main(waiting: list[str], computing: list[str]) -> int:
    """Run pytest on both lists of places, side by side; the exit status."""
    parts: list[Part] = []
    signals = end_by_signals(parts)
    with tempfile.TemporaryDirectory(prefix="spoolq-suite-") as made:
        for name, places in (("compute", computing), ("wait", waiting)):
            parts.append(Part(name, places, Path(made), shown=places is waiting))
            if signals:  # it came too early to have reached this one
                parts[-1].signal(signal.SIGINT)
        for part in reversed(parts):
            part.process.wait()
            part.show()
        remember_failures(parts)
        return tell(parts)


if __name__ == "__main__":
    beside = [str(TESTS / name) for name in COMPUTING]
    if len(os.sched_getaffinity(0)) == 1:
        os.execv(sys.executable, [sys.executable, "-m", "pytest"])
    sys.exit(main([f"--ignore={place}" for place in beside], beside))
