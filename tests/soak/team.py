"""The processes of a soak: started, killed and replaced, stopped and let go on; all ended."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from support.command_line import command
from support.processes import environment, fake_clock

SOAK = Path(__file__).resolve().parent
WORK = (
    'm=$(date +%s.%N); printf "took $m $SPOOLQ_ID $SPOOLQ_LEASE $SPOOLQ_ATTEMPT $m\\n" >> "$SOAK_LOG";'
    "exit $(($$ % 20 == 0))"
)
"""What the worker runs. It cannot tell its deadline: its grants count as a moment each."""


@dataclass
class Member:
    """A process, what it is, and how far its clock is off ("" when it is right)."""

    role: str
    process: subprocess.Popen[bytes]
    clock: str
    clock_file: Path
    """Which tells the process its clock, within a second."""


class Team:
    """All of them; leaving the `with` block ends every one."""

    def __init__(self, spool_path: str, logs: Path) -> None:
        self._spool_path, self._logs = spool_path, logs
        self.members: list[Member] = []
        self.lives = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(self.members)

    def start(self, role: str, offset: str = "") -> Member:
        """Another process of this role; with `offset` its clock is off, if this machine can do that."""
        self.lives += 1
        kind = "consumer" if role == "worker" else role
        log = self._logs / f"{kind}-{self.lives}.log"
        clock = self._logs / f"clock-{self.lives}"
        fake = (fake_clock(offset) if offset else None) or {}
        if fake:
            clock.write_text(f"{offset}\n")
            fake |= {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1"}
            del fake["FAKETIME"]
        words = [sys.executable, str(SOAK), "--role", role, self._spool_path, str(log)]
        words.append(str(os.getpid()))
        if role == "worker":
            words = command(
                "work", "-s", self._spool_path, "-j", "2", "--retries", "3", "--", "sh", "-c", WORK
            )
        with (self._logs / f"said-{role}-{self.lives}").open("wb") as said:
            process = subprocess.Popen(
                words,
                env=environment(**fake, SOAK_LOG=str(log)),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        member = Member(role, process, offset if fake else "", clock)
        self.members.append(member)
        return member

    def kill(self, member: Member) -> None:
        """SIGKILL, and wait until it is gone."""
        member.process.kill()
        member.process.wait()
        self.members.remove(member)
        if member.clock:  # what libfaketime leaves behind; the number may come again
            for left in glob.glob(f"/dev/shm/*faketime*_{member.process.pid}"):
                with suppress(OSError):
                    os.unlink(left)

    def set_clock(self, member: Member, offset: str) -> None:
        """Let the clock jump while the process runs."""
        fresh = member.clock_file.with_suffix(".new")
        fresh.write_text(f"{offset}\n")
        fresh.replace(member.clock_file)
        member.clock = offset

    def stop(self, member: Member) -> None:
        """SIGSTOP."""
        member.process.send_signal(signal.SIGSTOP)

    def go_on(self, member: Member) -> None:
        """SIGCONT, if it still lives."""
        member.process.send_signal(signal.SIGCONT)

    def ended_by_themselves(self) -> list[str]:
        """Nobody is to."""
        return [
            f"a {member.role} has ended by itself: {member.process.returncode}"
            for member in self.members
            if member.process.poll() is not None
        ]

    def end(self, members: list[Member]) -> None:
        """Kill them; the worker may go in order."""
        for member in list(members):
            if member.role == "worker":
                self.go_on(member)
                member.process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    member.process.wait(10)
            self.kill(member)


def resident_bytes(member: Member) -> int:
    """The memory that the process has now."""
    pages = Path(f"/proc/{member.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
