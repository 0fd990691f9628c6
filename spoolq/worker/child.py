"""Commands as the worker sees them: start, stop, and hear of their ends.

The work is done by the guard (`spoolq.worker.guard`), a process of its own; this is the worker's
side of the socket between them. A loop runs any number of commands from one thread: it waits until
`fileno()` is readable (beside its own wake-up descriptor and timers) and calls `read()`. `trust`
and `stop` may be called from other threads.

Limits in time are enforced by the guard, so they hold even while the worker is stopped or hangs:
`time_limit` from the start, and `trusted_until`, the moment on the monotonic clock until which the
lease may be believed, which every renewal moves on with `trust`.

Should the guard itself be killed, its commands are killed too, end as `stopped == "guard"`, and the
next `start` makes a new guard: `fileno()` is another one then. Kill both at once, and what runs
then outlives them; nothing but a control group helps against that.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from spoolq.worker import groups, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_GUARD_END_SECONDS = 5.0
_PAUSE_SECONDS = 0.005
NOT_FOUND, NOT_EXECUTABLE = 127, 126
_TOLD = (
    groups.RUN_VARIABLE,
    *(
        f"SPOOLQ_{name}"
        for name in ("ID", "ATTEMPT", "RESCHEDULES", "LEASE", "PRIORITY", "HEADER_", "ARRAY_")
    ),
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The guard needs three files of the package, not the whole public API that `import spoolq` loads.
_GUARD = """import sys
package = type(sys)("spoolq")
package.__path__ = [sys.argv[1]]
sys.modules["spoolq"] = package
from spoolq.worker.guard import main
main()"""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. The descriptors stay the caller's; close them once `start` has returned.

    Attributes:
        argv: program and arguments; no shell. The program is looked for in the command's PATH.
        stdin, stdout, stderr: descriptors that become 0, 1 and 2 of the command.
        environment: added to the worker's own environment.
        cwd: where to run, the worker's directory when None.
        nice: added to the worker's own niceness.
    """

    argv: Sequence[str]
    stdin: int
    stdout: int
    stderr: int
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    nice: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; nobody of its process group is left.

    Attributes:
        number: what `start` returned.
        exit_code: None when a signal killed it; 126 or 127 when it could not be started.
        signal: the number of the signal that killed it.
        stopped: who stopped it: "timeout", "lease" (trusted no longer), "guard" (the guard
            died), or the reason given to `stop`; None when it ended by itself.
        killed: TERM and the grace period did not suffice.
        stragglers: it left members of its group behind, which were stopped.
        started, finished: by the clock handed in.
        wall_seconds: from start to the end of the command itself.
        user_seconds, system_seconds, peak_bytes: CPU time and memory of the command and of those
            children it waited for. The peak is never less than the guard's own (about 10 MB).
        start_errno, start_error: why it could not be started, both None when it was.
    """

    number: int
    exit_code: int | None
    signal: int | None
    stopped: str | None
    started: float
    finished: float
    killed: bool = False
    stragglers: bool = False
    wall_seconds: float = 0.0
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_bytes: int = 0
    start_errno: int | None = None
    start_error: str | None = None

    @property
    def timed_out(self) -> bool:
        """Whether the time limit ended it."""
        return self.stopped == "timeout"


@dataclass(slots=True)
class _Running:
    mark: str
    started: float
    pid: int | None = None


class Commands:
    """The commands of one worker. A context manager: leaving it kills what still runs."""

    def __init__(
        self, *, grace_seconds: float = 10.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.grace_seconds = grace_seconds
        self._clock = clock
        self._running: dict[int, _Running] = {}
        self._last_number = 0
        self._token = secrets.token_hex(8)
        self._lock = threading.RLock()
        self._channel: socket.socket | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._frames = wire.Frames()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def running(self) -> list[int]:
        """The numbers of the commands that have not been reported as ended, oldest first."""
        return list(self._running)

    def pid(self, number: int) -> int | None:
        """The process id of a running command; None before the guard has told it."""
        running = self._running.get(number)
        return running.pid if running else None

    @property
    def guard_pid(self) -> int | None:
        """The guard's process id."""
        return self._guard.pid if self._guard else None

    def fileno(self) -> int:
        """Readable when `read` has something; changes when a guard was lost."""
        return self.open().fileno()

    def open(self) -> socket.socket:
        """Start the guard if there is none. Call it before the first job is claimed.

        Raises:
            OSError: no process or descriptor to be had.
        """
        with self._lock:
            if self._channel is None:
                self._channel, self._guard = _start_guard()
                self._frames = wire.Frames()
            return self._channel

    def start(
        self,
        command: Command,
        *,
        time_limit: float | None = None,
        trusted_until: float | None = None,
        lead_seconds: float = 0.0,
    ) -> int:
        """Have a command started; its number. That it could not be started is told by `read`.

        With `lead_seconds`, TERM comes so long before `trusted_until` and KILL at it; without,
        TERM comes then, and KILL after the grace period.

        Raises:
            OSError: the guard was lost and a new one could not be started.
        """
        with self._lock:
            self._last_number += 1
            number = self._last_number
            mark = f"{self._token}-{number}"
            message = {
                "op": "start",
                "n": number,
                "mark": mark,
                "argv": [wire.pack(argument) for argument in command.argv],
                "environment": {
                    wire.pack(name): wire.pack(value) for name, value in command.environment.items()
                },
                "cwd": wire.pack(command.cwd) if command.cwd is not None else None,
                "limit": time_limit,
                "trust": trusted_until,
                "lead": lead_seconds,
                "nice": command.nice,
                "grace": self.grace_seconds,
            }
            self.open()
            self._running[number] = _Running(mark, self._clock())
            # A guard lost meanwhile reports this command as ended like the others.
            self._send(message, [command.stdin, command.stdout, command.stderr])
            return number

    def stop(
        self, number: int, *, reason: str = "request", grace_seconds: float | None = None
    ) -> None:
        """TERM to the whole group, KILL after the grace period. One that has ended: nothing."""
        grace = self.grace_seconds if grace_seconds is None else grace_seconds
        self._send({"op": "stop", "n": number, "reason": reason, "grace": grace})

    def trust(self, numbers: Iterable[int], until: float) -> None:
        """Their lease was renewed: it may be believed until then (monotonic seconds)."""
        self._send({"op": "trust", "numbers": list(numbers), "until": until})

    def read(self) -> list[Ended]:
        """The commands that have ended since the last call; does not wait."""
        with self._lock:
            if self._channel is None:
                return []
            ended: list[Ended] = []
            while True:
                try:
                    data = self._channel.recv(65536, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return ended
                except OSError:
                    data = b""
                for message in self._frames.feed(data):
                    ended += self._hear(message)
                if not data:
                    return ended + self._guard_lost()

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """As `read`, but waits up to `timeout` seconds (None: for ever) for a first one.

        Returns at once when nothing runs.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not (ended := self.read()) and self._running:
            left = None if ends_at is None else max(0.0, ends_at - time.monotonic())
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if not poll.poll(None if left is None else left * 1000):
                return self.read()
        return ended

    def close(self) -> None:
        """Let the guard go; what still runs is killed at once. Safe to call twice."""
        with self._lock:
            channel, process = self._channel, self._guard
            self._channel = self._guard = None
            self._running.clear()
        if channel is not None:
            channel.close()
        if process is not None:
            try:
                process.wait(_GUARD_END_SECONDS)
            except subprocess.TimeoutExpired:
                # A command hangs in the kernel (a dead NFS server); the guard waits for it alone.
                process.returncode = 0

    def _send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        with self._lock:
            if self._channel is None:
                return
            data = wire.frame(message)
            # A guard that is gone is noticed, and dealt with, by `read`.
            with suppress(BrokenPipeError, ConnectionResetError):
                sent = 0
                if descriptors:
                    sent = socket.send_fds(self._channel, [data], descriptors)
                self._channel.sendall(data[sent:])

    def _hear(self, message: dict[str, Any]) -> list[Ended]:
        if message["op"] == "started":
            self._running[message["n"]].pid = message["pid"]
            return []
        running = self._running.pop(message["n"])
        if message["op"] == "refused":
            return [_refused(message, running.started, self._clock())]
        return [_ended(message, running.started, self._clock())]

    def _guard_lost(self) -> list[Ended]:
        # CRASH: the guard was killed. Its commands are nobody's now; they must not outlive it.
        left = self._running
        self._running = {}
        self.close()
        _kill_left(left.values())
        return [
            Ended(number, None, signal.SIGKILL, "guard", running.started, self._clock(), True)
            for number, running in left.items()
        ]


def _start_guard() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    # Without what a command that we may run in ourselves was told. Its mark above all: what stops
    # that command stops us, and the guard must then live long enough to kill our commands.
    environment = {name: v for name, v in os.environ.items() if not name.startswith(_TOLD)}
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, _PACKAGE, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env=environment,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, process


def _kill_left(left: Iterable[_Running]) -> None:
    marks = {running.mark.encode() for running in left}
    left_groups = [running.pid for running in left if running.pid is not None]
    ends_at = time.monotonic() + _GUARD_END_SECONDS
    while time.monotonic() < ends_at:
        for group in left_groups:
            groups.signal_group(group, signal.SIGKILL)
        left_groups = [group for group in left_groups if _is_alive(group)]
        if not groups.kill_marked(marks) and not left_groups:
            return
        time.sleep(_PAUSE_SECONDS)


def _is_alive(group: int) -> bool:
    return groups.group_left(group) and not groups.only_zombies(group)


def _ended(message: dict[str, Any], started: float, finished: float) -> Ended:
    code = os.waitstatus_to_exitcode(message["status"])
    return Ended(
        number=message["n"],
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        stopped=message["stopped"],
        started=started,
        finished=finished,
        killed=message["killed"],
        stragglers=message["stragglers"],
        wall_seconds=message["wall"],
        user_seconds=message["user"],
        system_seconds=message["system"],
        peak_bytes=message["peak"],
    )


def _refused(message: dict[str, Any], started: float, finished: float) -> Ended:
    missing = message["errno"] in (2, 20)  # ENOENT, ENOTDIR
    return Ended(
        number=message["n"],
        exit_code=NOT_FOUND if missing else NOT_EXECUTABLE,
        signal=None,
        stopped=None,
        started=started,
        finished=finished,
        start_errno=message["errno"],
        start_error=message["error"],
    )
