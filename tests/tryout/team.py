"""The worker processes of a tryout: started, heard, killed, and all of them ended."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROGRAM = Path(__file__).resolve().parent
_PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Said:
    """What a worker said: ready, holding ID, done ID, lost ID; or "gone", when its output ended."""

    worker: str
    what: str
    job_id: str = ""


class Team:
    """Workers by name; whatever happens, leaving the `with` block ends every one of them."""

    def __init__(self, spool_path: str) -> None:
        self._spool_path = spool_path
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._said: queue.Queue[Said] = queue.Queue()
        self._over: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, owner: str, *, hold_at_once: bool = False) -> None:
        """Start a worker process that owns its leases as `owner`."""
        hold = "now" if hold_at_once else "later"
        process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), "--worker", self._spool_path, owner, hold],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tryout, which ends its workers in order
        )
        self._processes[owner] = process
        threading.Thread(target=self._listen, args=(owner, process), daemon=True).start()

    def _listen(self, owner: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._said.put(Said(owner, *line.split()))
        self._said.put(Said(owner, "gone"))

    def next_said(self, timeout_seconds: float) -> Said | None:
        """The next thing a worker said, None when none said anything for that long."""
        try:
            return self._said.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def tell_to_hold(self, owner: str) -> None:
        """Have a worker stop in the middle of its next task."""
        process = self._processes[owner]
        assert process.stdin is not None
        process.stdin.write("hold\n")
        process.stdin.flush()

    def kill(self, owner: str) -> int:
        """SIGKILL a worker and return how it ended (-9)."""
        self._over.add(owner)
        process = self._processes[owner]
        process.kill()
        return process.wait()

    def is_over_for(self, owner: str) -> bool:
        """Whether this worker was killed or told to stop."""
        return owner in self._over

    def tell_to_stop(self, owners: Iterable[str]) -> None:
        """Have workers finish what they have in hand and end."""
        for owner in owners:
            self._over.add(owner)
            orders = self._processes[owner].stdin
            assert orders is not None
            with contextlib.suppress(OSError):
                orders.close()

    def stop(self) -> None:
        """Let all workers end, and kill those that do not."""
        self.tell_to_stop(self._processes)
        for process in self._processes.values():
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
