"""Other processes: told what to do with a spool, watched, stopped and killed."""

from __future__ import annotations

import glob
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

TESTS = Path(__file__).resolve().parent.parent


def environment(**more: str) -> dict[str, str]:
    """The environment in which another Python finds spoolq and this package."""
    import spoolq

    root = Path(spoolq.__file__).resolve().parent.parent
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPOOLQ_")}
    paths = [str(root), str(TESTS), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)} | more


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's, given as its text, to its end."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fake_clock(offset: str) -> dict[str, str] | None:
    """Variables that set a process's wall clock off by e.g. "+2h"; None without libfaketime.

    Its monotonic clock and the times of files stay true, as on a host with a wrong clock.
    """
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        return None
    return {
        "LD_PRELOAD": libraries[0],
        "FAKETIME": offset,
        "NO_FAKE_STAT": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


class Refused(Exception):
    """The other process's call raised; `kind` is the class, `text` the message."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Ended(Exception):
    """The other process ended instead of answering."""


class Actor:
    """Another process with a Spool of its own (support/actor.py), one call at a time."""

    def __init__(
        self,
        path: str | Path,
        *,
        env: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        command = [*wrapper, sys.executable, "-m", "support.actor", str(path)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(**(env or {})),
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def start(self, verb: str, **arguments: Any) -> None:
        """Ask for a call and do not wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([verb, arguments]) + "\n")
        self.process.stdin.flush()

    def answer(self, seconds: float = 30.0) -> Any:
        """What the call returned; raises Refused when it raised, Ended when nothing comes."""
        line = self._lines.get(timeout=seconds)
        if not line:
            raise Ended(f"exit status {self.process.wait()}")
        kind, value = json.loads(line)
        if kind != "ok":
            raise Refused(kind, value)
        return value

    def call(self, verb: str, **arguments: Any) -> Any:
        """Ask for a call and wait for what it returns."""
        self.start(verb, **arguments)
        return self.answer()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGSTOP, and wait until it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        eventually(lambda: state_of(self.pid) == "T", what="stopped")

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, whatever it is doing, and close the pipes."""
        if self.process.poll() is None:
            self.kill()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def _stat_fields(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def state_of(pid: int) -> str:
    """The process's state letter: R running, S sleeping, T stopped."""
    return _stat_fields(pid)[0]


def cpu_seconds(pid: int) -> float:
    """Processor time the process has used so far, all its threads together."""
    fields = _stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _switches(pid: int) -> int:
    status = Path(f"/proc/{pid}/task/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)


def wait_until_blocked(pid: int) -> None:
    """Return when the main thread sleeps and has not run at all for a tenth of a second."""

    def quiet() -> bool:
        before = _switches(pid)
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            if state_of(pid) != "S" or _switches(pid) != before:
                return False
            time.sleep(0.01)
        return True

    eventually(quiet, what=f"process {pid} blocked")
