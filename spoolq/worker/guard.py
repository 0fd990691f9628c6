"""The guard: a small process that starts, watches and stops the commands of one worker.

It imports `groups` and `wire` and else only the standard library: it must start fast and stay small.
Why it exists:

- It is the parent of all commands, and holds a socket to the worker. When the worker is gone,
  however it died, the socket ends, and the guard kills every group at once. As the guard itself
  forks, there is no moment in which a command runs that it does not know.
- Time limits and leases end on time, even while the worker is stopped or hangs on a dead NFS
  server: the guard touches no file of the spool.
- Forking from a small process without threads is cheap and safe, and does not count the worker's
  memory as the command's peak.
- On Linux it adopts what commands leave behind (PR_SET_CHILD_SUBREAPER), so that no zombies pile
  up, not even where the worker is process 1 of a container.

When a command ends by itself and members of its process group live on, they have half a second to
finish (`tee >(gzip >log.gz)` in bash leaves such members) and then get TERM, the grace period and
KILL, as in Slurm and systemd: they would run beside the next job in a slot that counts as free. A
process that left the group (setsid, a shell with job control) is left alone then, and killed when
the command was stopped or the worker died; it is known by SPOOLQ_RUN in its environment (Linux
only). Members that belong to another user cannot be stopped, and are not waited for.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from spoolq.worker.groups import (
    RUN_VARIABLE,
    group_left,
    kill_marked,
    only_zombies,
    signal_group,
)
from spoolq.worker.wire import Frames, Message, frame, unpack

_CHUNK = 65536
_MOST_DESCRIPTORS = 96
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05
_LONGEST_WAIT = 3600.0
_KILL_AGAIN_SECONDS = 0.1
_STRAGGLER_SECONDS = 0.5
_HANDLED = ("SIGCHLD", "SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM")


class _Run:
    """A command from its start until nobody of its group is left."""

    def __init__(self, message: Message, pid: int, started: float) -> None:
        self.number: int = message["n"]
        self.mark: bytes = unpack(message["mark"])
        self.pid = pid
        self.started = started
        self.grace: float = message["grace"]
        self.lead: float = message["lead"]
        limit, trust = message["limit"], message["trust"]
        self.limit_at: float = started + limit if limit is not None else float("inf")
        self.trust_at = float("inf")
        if trust is not None:
            self.trust(trust)
        self.kill_at: float | None = None
        self.stopped: str | None = None
        self.killed = self.stragglers = False
        self.end: Message | None = None
        self._stragglers_until: float | None = None
        self._pause = _FIRST_PAUSE
        self._look_at = float("inf")

    def due(self) -> float:
        """When `step` has something to do, by the monotonic clock."""
        if self.kill_at is None:
            return min(self.limit_at, self.trust_at, self._look_at)
        return min(self.kill_at, self._look_at)

    def trust(self, until: float) -> None:
        """TERM comes so long before the end of trust that KILL comes no later than that."""
        self.trust_at = until - self.lead

    def stop(self, reason: str | None, grace: float, now: float) -> None:
        """TERM now, KILL after the grace period; a stop under way can only get shorter."""
        if self.stopped is None and self.end is None:
            self.stopped = reason
        if self.kill_at is None:
            self.kill_at = now + grace
            # A stopped (SIGSTOP) process acts on TERM only when it is continued.
            signal_group(self.pid, signal.SIGTERM, signal.SIGCONT)
        self.kill_at = min(self.kill_at, now + grace)

    def exited(self, status: int, usage: Any, now: float) -> None:
        """The command itself has ended and was reaped."""
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self.end = {
            "status": status,
            "wall": now - self.started,
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "peak": peak,
        }
        self._look_at = now

    def step(self, now: float) -> bool:
        """Do what is due; True when the command has ended and nobody it must not leave is left."""
        if self.end is None:
            self._enforce(now)
            return False
        if group_left(self.pid):
            over = self._press_stragglers(now)
        else:
            over = self.stopped is None or not kill_marked({self.mark})
        self._look_at = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return over

    def _press_stragglers(self, now: float) -> bool:
        if self._stragglers_until is None:
            self._stragglers_until = now + _STRAGGLER_SECONDS
        if self.kill_at is None and now >= self._stragglers_until:
            self.stragglers = True
            self.stop(None, self.grace, now)
        self._kill_when_due(now)
        # A zombie counts as a member; one whose parent does not care would be waited for for ever.
        return (self.killed or self.stragglers) and only_zombies(self.pid)

    def _enforce(self, now: float) -> None:
        if self.kill_at is None and now >= self.limit_at:
            self.stop("timeout", self.grace, now)
        elif self.kill_at is None and now >= self.trust_at:
            self.stop("lease", self.lead or self.grace, now)
        self._kill_when_due(now)

    def _kill_when_due(self, now: float) -> None:
        if self.kill_at is not None and now >= self.kill_at:
            signal_group(self.pid, signal.SIGKILL)
            self.killed = True
            self.kill_at = now + _KILL_AGAIN_SECONDS

    def report(self) -> Message:
        """The message that tells the worker how it ended."""
        return {
            "op": "ended",
            "n": self.number,
            "stopped": self.stopped,
            "killed": self.killed,
            "stragglers": self.stragglers,
            **(self.end or {}),
        }


class Guard:
    """The process's whole state: the socket, and the commands that run."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._frames = Frames()
        self._descriptors: list[int] = []
        self._outgoing = b""
        self._runs: dict[int, _Run] = {}
        self._by_pid: dict[int, _Run] = {}
        self._worker_lives = True
        self._environment = dict(os.environb)
        self._woken, self._waking = socket.socketpair()
        self._listen_to_signals()

    def _listen_to_signals(self) -> None:
        # Handlers, not SIG_IGN: what is ignored stays ignored in commands, handlers do not.
        for name in _HANDLED:
            signal.signal(getattr(signal, name), lambda *_: None)
        self._woken.setblocking(False)
        self._waking.setblocking(False)
        self._channel.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Until the worker is gone or says goodbye, and no command is left."""
        try:
            while self._worker_lives:
                self._wait()
                self._reap()
                self._step()
        finally:
            self._kill_all()

    def _wait(self) -> None:
        due = min((run.due() for run in self._runs.values()), default=float("inf"))
        timeout = min(max(0.0, due - time.monotonic()), _LONGEST_WAIT)
        writing = [self._channel] if self._outgoing else []
        ready, writable, _ = select.select([self._channel, self._woken], writing, [], timeout)
        if self._woken in ready:
            self._clear_wakeups()
        if writable:
            self._flush()
        if self._channel in ready:
            self._receive()

    def _clear_wakeups(self) -> None:
        with suppress(BlockingIOError):
            while len(self._woken.recv(_CHUNK)) == _CHUNK:
                pass

    # --- from and to the worker

    def _receive(self) -> None:
        flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._channel, _CHUNK, _MOST_DESCRIPTORS, flags
            )
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        self._descriptors += descriptors
        if not data:
            self._worker_lives = False
        for message in self._frames.feed(data):
            self._obey(message)

    def _obey(self, message: Message) -> None:
        now = time.monotonic()
        if message["op"] == "start":
            self._start(message, now)
        elif message["op"] == "stop" and (run := self._runs.get(message["n"])):
            run.stop(message["reason"], message["grace"], now)
        elif message["op"] == "trust":
            for number in message["numbers"]:
                if run := self._runs.get(number):
                    run.trust(message["until"])

    def _send(self, message: Message) -> None:
        self._outgoing += frame(message)
        self._flush()

    def _flush(self) -> None:
        # A worker that is stopped must not stop us: what it does not read now waits.
        try:
            sent = self._channel.send(self._outgoing)
        except BlockingIOError:
            return
        except OSError:
            self._worker_lives = False
            sent = len(self._outgoing)
        self._outgoing = self._outgoing[sent:]

    # --- commands

    def _start(self, message: Message, now: float) -> None:
        descriptors, self._descriptors = self._descriptors[:3], self._descriptors[3:]
        try:
            try:
                pid = self._spawn(message, descriptors)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._send({"op": "refused", "n": message["n"], **_refusal(error)})
            return
        run = _Run(message, pid, now)
        self._runs[run.number] = self._by_pid[pid] = run
        self._send({"op": "started", "n": run.number, "pid": pid})

    def _spawn(self, message: Message, descriptors: list[int]) -> int:
        standard_input, output, errors = descriptors
        environment = {**self._environment, RUN_VARIABLE.encode(): unpack(message["mark"])}
        for name, value in message["environment"].items():
            environment[unpack(name)] = unpack(value)
        process = subprocess.Popen(
            [unpack(argument) for argument in message["argv"]],
            stdin=standard_input,
            stdout=output,
            stderr=errors,
            cwd=unpack(message["cwd"]) if message["cwd"] is not None else None,
            env=environment,
            start_new_session=True,
        )
        process.returncode = 0  # we reap it ourselves, for its resource usage
        if message["nice"]:
            with suppress(OSError):  # it has ended already, or we may not
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PGRP, process.pid, own + message["nice"])
        return process.pid

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return
                if run := self._by_pid.pop(pid, None):
                    run.exited(status, usage, time.monotonic())

    def _step(self) -> None:
        now = time.monotonic()
        for run in [run for run in self._runs.values() if run.due() <= now]:
            if run.step(now):
                del self._runs[run.number]
                self._send(run.report())

    def _kill_all(self) -> None:
        # CRASH: the worker is gone, and its jobs will be given to others: no grace.
        pause = _FIRST_PAUSE
        while self._runs:
            for run in self._runs.values():
                signal_group(run.pid, signal.SIGKILL)
            more = kill_marked({run.mark for run in self._runs.values()})
            self._reap()
            left = [run for run in self._runs.values() if group_left(run.pid)]
            if not more and all(only_zombies(run.pid) for run in left):
                return
            select.select([self._woken], [], [], pause)
            self._clear_wakeups()
            pause = min(2 * pause, 1.0)


def _refusal(error: Exception) -> Message:
    if not isinstance(error, OSError):
        return {"errno": None, "error": str(error)}
    where = error.filename
    name = os.fsdecode(where) + ": " if isinstance(where, (str, bytes)) else ""
    return {"errno": error.errno, "error": f"{name}{error.strerror}"}


def _adopt_orphans() -> None:
    if not sys.platform.startswith("linux"):
        return
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 (some builds of Python have none)

        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        library.prctl(_PR_SET_NAME, b"spoolq-guard", 0, 0, 0)


def main() -> None:
    """The process: its last argument is the number of the socket's descriptor."""
    channel = socket.socket(fileno=int(sys.argv[-1]))
    channel.set_inheritable(False)
    _adopt_orphans()
    Guard(channel).serve()
