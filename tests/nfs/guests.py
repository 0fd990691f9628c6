"""Guests: User-Mode Linux kernels on one bridge, each with its own NFS code, caches and clock.

Everything here runs inside namespaces of its own (see __main__), so nothing outlives the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nfs.guest.agent import PORT
from nfs.machine import GUEST_MEGABYTES, ROOT, SHARED_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
NETWORK = "10.77.0"
BOOT_SECONDS = 120.0
PYTHON_ENVIRONMENT = {
    "PYTHONPATH": "/src:/src/tests",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}


class GuestError(Exception):
    """A guest did not do what the lab needs."""


class Stream:
    """A process in a guest: its output lines as they come, and how it ended (None: it has not)."""

    def __init__(self, guest: Guest, argv: Sequence[str], env: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.status: int | None = None
        self._guest = guest
        self._connection = guest.connect()
        request = json.dumps({"argv": list(argv), "env": {**PYTHON_ENVIRONMENT, **env}})
        self._connection.sendall(request.encode() + b"\n")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        # A guest that was killed sends nothing more, not even an end: `Guest.kill` shuts this.
        with contextlib.suppress(OSError), self._connection.makefile("rb") as output:
            for line in output:
                if line.startswith(b"\0"):
                    self.status = int(line[1:])
                    return
                self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def wait(self, seconds: float) -> int | None:
        """Wait for its end; the exit status, None when the guest died before."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            tail = " / ".join(self.lines[-3:])
            raise GuestError(f"{self._guest.name}: not over after {seconds} s; last said: {tail}")
        return self.status

    def ask(self, question: str, seconds: float = 60.0) -> str:
        """Send a line to the process's standard input; the next line that it prints."""
        known = len(self.lines)
        self._connection.sendall(question.encode() + b"\n")
        give_up_at = time.monotonic() + seconds
        while len(self.lines) == known:
            if time.monotonic() > give_up_at or not self._thread.is_alive():
                raise GuestError(f"{self._guest.name}: no answer to {question}: {self.lines[-3:]}")
            time.sleep(0.002)
        return self.lines[known]

    @property
    def is_running(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Expect nothing more."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class Guest:
    """One kernel: the server (number 0) or a client (1, 2, ...)."""

    def __init__(self, number: int, state: Path, grace_seconds: int) -> None:
        self.number = number
        self.name = f"client{number}" if number else "server"
        self.ip = f"{NETWORK}.{10 + number}"
        self._state = state / self.name
        self._grace_seconds = grace_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: list[Stream] = []
        self._state.mkdir(parents=True, exist_ok=True)
        self._make_disks()
        self._make_tap()

    def _make_disks(self) -> None:
        sizes = {"disk": "2G", "small": "6M"} if not self.number else {"disk": "64M"}
        for name, size in sizes.items():
            image = self._state / name
            run(["truncate", "-s", size, str(image)])
            run(["mkfs.ext4", "-q", "-F", str(image)])

    def _make_tap(self) -> None:
        tap = f"tap{self.number}"
        run(["ip", "tuntap", "add", "dev", tap, "mode", "tap"])
        run(["ip", "link", "set", tap, "master", "lab", "up"])

    def start(self) -> None:
        """Boot the kernel, without waiting for it."""
        disks = [f"ubda={self._state}/disk"]
        if not self.number:
            disks.append(f"ubdb={self._state}/small")
        # nohz=off: with it, a loaded guest can lose its timer tick for good.
        command = [
            "linux.uml",
            f"mem={GUEST_MEGABYTES}M",
            "root=/dev/root",
            "rootfstype=hostfs",
            f"rootflags={ROOT}",
            "ro",
            "init=/lab/init.sh",
            "con=null",
            "con0=null,fd:1",
            "quiet",
            "nohz=off",
            "highres=off",
            *disks,
            f"uml_dir={self._state}",
            f"umid={self.name}",
            f"vec0:transport=tap,ifname=tap{self.number},depth=128,mac=02:00:00:00:00:{self.number:02x}",
            f"lab_name={self.name}",
            f"lab_ip={self.ip}",
            f"lab_role={'client' if self.number else 'server'}",
            f"lab_grace={self._grace_seconds}",
            f"lab_source={CHECKOUT}",
        ]
        with open(self._state / "console", "ab") as console:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, "TMPDIR": str(SHARED_MEMORY)},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )

    def await_boot(self) -> None:
        """Until its agent answers and it is set up."""
        give_up_at = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                self.run(["true"], seconds=10)
            except (OSError, GuestError):
                if self._process is None or self._process.poll() is not None:
                    raise GuestError(f"{self.name} ended: {self.console()}") from None
                if time.monotonic() > give_up_at:
                    raise GuestError(f"{self.name} did not boot: {self.console()}") from None
                time.sleep(0.1)
            else:
                return

    def console(self) -> str:
        """The last lines of its console."""
        lines = (self._state / "console").read_text(errors="replace").splitlines()
        return " / ".join(lines[-8:])

    @property
    def is_up(self) -> bool:
        """Whether it was started and not killed."""
        return self._process is not None

    def connect(self) -> socket.socket:
        """A connection to its agent."""
        connection = socket.create_connection((self.ip, PORT), timeout=10)
        connection.settimeout(None)
        return connection

    def spawn(self, argv: Sequence[str], env: dict[str, str] | None = None) -> Stream:
        """Start a process there."""
        stream = Stream(self, argv, env or {})
        self._streams.append(stream)
        return stream

    def run(self, argv: Sequence[str], *, seconds: float = 60.0, check: bool = True) -> list[str]:
        """Run a process to its end; the lines it printed."""
        stream = self.spawn(argv)
        status = stream.wait(seconds)
        self._streams.remove(stream)
        if check and status != 0:
            told = " / ".join(stream.lines[-5:])
            raise GuestError(f"{self.name}: {' '.join(argv)}: status {status}: {told}")
        return stream.lines

    def shell(self, script: str, *, seconds: float = 60.0, check: bool = True) -> list[str]:
        """Run a shell script there."""
        return self.run(["sh", "-c", script], seconds=seconds, check=check)

    def kill(self) -> None:
        """Pull the plug: nothing is flushed, nothing is said to anybody."""
        if self._process is None:
            return
        while pids := list(self._pids()):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
            time.sleep(0.01)
        self._process.wait()
        self._process = None
        for stream in self._streams:
            stream.abandon()

    def _pids(self) -> Iterator[int]:
        """Its kernel and the host's processes behind its processes: one session."""
        assert self._process is not None
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[3]) == self._process.pid and fields[0] != "Z":
                        yield int(entry.name)

    def pause(self) -> None:
        """Freeze the kernel: it answers nobody, its processes stand still."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


def run(command: Sequence[str]) -> None:
    """Run a command on the host."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise GuestError(f"{' '.join(command)}: {ended.stderr.strip()}")


def make_network() -> None:
    """The bridge that all guests are on, in our own network namespace."""
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "link", "add", "lab", "type", "bridge"])
    run(["ip", "address", "add", f"{NETWORK}.1/24", "dev", "lab"])
    run(["ip", "link", "set", "lab", "up"])


def put_guest_files() -> None:
    """Copy the guest's first programs into its root; the rest it reads from the checkout."""
    for source in (CHECKOUT / "tests" / "nfs" / "guest").glob("*.*"):
        draft = ROOT / "lab" / f"{source.name}.new"
        shutil.copyfile(source, draft)
        draft.chmod(0o755)
        draft.replace(ROOT / "lab" / source.name)
