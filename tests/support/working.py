"""`spoolq work` as a process: started on a spool, signalled, watched, ended. Commands that tell."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.command_line import command
from support.processes import environment
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spoolq import Spool

# Say that we run, and who we are, by a file named after the job; in one step, as it is waited for.
TELL_PID = 'echo $$ > "$TOLD/.$SPOOLQ_ID" && mv "$TOLD/.$SPOOLQ_ID" "$TOLD/$SPOOLQ_ID"'


class Worker:
    """A running `spoolq work`. What it writes goes into files, so that no pipe ever blocks it."""

    def __init__(
        self,
        spool: Spool,
        place: Path,
        *words: str,
        env: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.told = place / "told"
        self.told.mkdir(parents=True, exist_ok=True)
        self._out, self._err = place / "stdout", place / "stderr"
        with self._out.open("ab") as out, self._err.open("ab") as err:
            given = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err} | more
            self.process = subprocess.Popen(
                command("work", "-s", spool.path, *words),
                env=environment(TOLD=str(self.told), **(env or {})),
                **given,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end; its exit status, negative for a signal."""
        return self.process.wait(seconds)

    def pid_of(self, job_id: str, seconds: float = 60) -> int:
        """Wait until the job's command has told its process id (see TELL_PID)."""
        file = self.told / job_id
        eventually(file.exists, seconds, f"command of {job_id} runs; worker said {self.err!r}")
        return int(file.read_text())

    def close(self) -> None:
        """Kill it; its guard kills its commands."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()


def log_of(spool: Spool, job_id: str, stream: str = "out", attempt: int | str = 1) -> bytes:
    """What one attempt of a job has written so far."""
    (path,) = Path(spool.path, "logs").glob(f"{job_id}.{attempt}.*.{stream}")
    return path.read_bytes()


def run_of(spool: Spool, job_id: str) -> dict[str, Any]:
    """The facts of the run in a job's end record."""
    run = spool.details(job_id)["end"]["run"]
    assert isinstance(run, dict)
    return run


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    except ProcessLookupError:
        return False
    return text[text.rindex(")") + 2] not in "ZX"


def children_of(pid: int) -> list[int]:
    """The processes whose parent a process is, zombies included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(text[text.rindex(")") + 2 :].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def guard_of(worker: Worker) -> int:
    """The process id of a worker's guard: its only child."""
    (guard,) = children_of(worker.pid)
    return guard
