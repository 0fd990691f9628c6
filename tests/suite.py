"""Runs the whole suite in parts side by side: what `bin/test` does when it is given no arguments.

Many tests wait, for leases and for other processes; others compute meanwhile. One part is shown as it
runs, the others, each a pytest of its own, when they are over; then come the sums of all. The exit
status is 0 if all passed, else the highest of pytest's (2: interrupted). What ends this ends them all.
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
BESIDE = {
    "that compute": ("budgets", "docs", "faults", "fuzz", "house", "simulator", "stateful", "unit"),
    "of the library and of Slurm": ("contract", "integration/test_slurm.py"),
}
"""What runs beside the rest, which is all that is not named here: new tests, too."""
REST = "of commands and processes"
PATIENCE_SECONDS = 30  # for a part that was interrupted, to end what its tests have started


class Part:
    """One pytest, in a process group of its own, so that an interrupt reaches it once: from here."""

    def __init__(self, name: str, words: list[str], place: Path, *, shown: bool) -> None:
        self.name = name
        self.figures, self.cache = place / "figures", place / "cache"
        self.said = None if shown else place / "said"
        words = [*words, f"--figures={self.figures}", "-o", f"cache_dir={self.cache}"]
        # Each pytest closes the usual place for itself as it begins, to tests of other users as well.
        words.append(f"--basetemp={place / 'tests'}")
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
            print(f"\n----- the tests {self.name}, run beside these:", flush=True)
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
    """Let `bin/test --lf` know what failed in any part."""
    failed: dict[str, bool] = {}
    for part in parts:
        with suppress(FileNotFoundError):
            failed |= json.loads((part.cache / "v/cache/lastfailed").read_text())
    known = TESTS.parent / ".pytest_cache/v/cache/lastfailed"
    with suppress(OSError):  # the checkout may be read-only
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(failed))


def tell(parts: list[Part]) -> int:
    """The sums of all parts, and the exit status."""
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
            print(f"NOT PASSED: the tests {part.name}, exit status {part.status()}")
    return max(part.status() for part in parts)


def main(beside: dict[str, list[str]], rest: list[str]) -> int:
    """Run a pytest on each list of its words, side by side; the exit status."""
    parts: list[Part] = []
    signals = end_by_signals(parts)
    with tempfile.TemporaryDirectory(prefix="spoolq-suite-") as made:
        os.chmod(made, 0o711)  # tests of other users go through it
        for name, words in (*beside.items(), (REST, rest)):
            place = Path(made, str(len(parts)))
            place.mkdir()
            parts.append(Part(name, words, place, shown=words is rest))
            if signals:  # it came too early to have reached this one
                parts[-1].signal(signal.SIGINT)
        for part in reversed(parts):
            part.process.wait()
            part.show()
        remember_failures(parts)
        return tell(parts)


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) == 1:
        os.execv(sys.executable, [sys.executable, "-m", "pytest"])
    named = {name: [f"tests/{place}" for place in places] for name, places in BESIDE.items()}
    sys.exit(main(named, [f"--ignore={place}" for places in named.values() for place in places]))
