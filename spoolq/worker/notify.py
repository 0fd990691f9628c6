"""Telling a service manager that the worker is ready, alive, and leaving: systemd's notify protocol.

One datagram a message, to the socket that NOTIFY_SOCKET names; nothing where there is none. The
worker's commands are not told of the socket: their messages would count as the worker's.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from spoolq.worker.listener import Counts, Listener

if TYPE_CHECKING:
    from spoolq.worker.endings import Outcome

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_STATUS_SECONDS = 10.0


class Announcer(Listener):
    """Passes on all it hears to another listener, and the gist to the service manager."""

    def __init__(self, inner: Listener) -> None:
        self._inner = inner
        # A worker that begins anew needs them again.
        self._given = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
        self._address = _address(self._given.get("NOTIFY_SOCKET", ""))
        self._beat_seconds = _watchdog_seconds(self._given)
        self._beat_at = 0.0
        self._is_leaving = False

    def hand_on(self) -> None:
        """Give the variables back to the environment, for the same process with a new program."""
        os.environ.update(self._given)

    def ready(self) -> None:
        """READY."""
        self._inner.ready()
        self._send("READY=1")

    def beat(self, counts: Counts, *, draining: bool) -> None:
        """The watchdog is fed in time, and the status line kept fresh."""
        self._inner.beat(counts, draining=draining)
        now = time.monotonic()
        if self._address and now >= self._beat_at:
            self._beat_at = now + self._beat_seconds
            doing = "draining, " if draining else ""
            told = f"{doing}{counts.running} running, {counts.done} done, {counts.failed} failed"
            self._send("WATCHDOG=1", f"STATUS={told}")

    def draining(self, reason: str) -> None:
        """STOPPING."""
        self._inner.draining(reason)
        if not self._is_leaving:
            self._is_leaving = True
            self._send("STOPPING=1", f"STATUS=takes no more jobs: {reason}".replace("\n", " "))

    def stopping(self, reason: str) -> None:
        """Passed on."""
        self._inner.stopping(reason)

    def ended(self, job_id: str, attempt: int, outcome: Outcome, reason: str) -> None:
        """Passed on."""
        self._inner.ended(job_id, attempt, outcome, reason)

    def trouble(self, text: str) -> None:
        """Passed on."""
        self._inner.trouble(text)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # Whoever does not listen misses it: no reason to stop working.
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
        ):
            channel.setblocking(False)
            channel.sendto("\n".join(lines).encode(errors="replace"), self._address)


def _address(given: str) -> str:
    """Where to send; a leading @ stands for the abstract name space. "" for nowhere."""
    if given.startswith("@"):
        return "\0" + given[1:]
    return given if given.startswith("/") else ""


def _watchdog_seconds(given: dict[str, str]) -> float:
    """How often to say that we live: well within the time that the manager waits, if it does."""
    usec, pid = given.get("WATCHDOG_USEC", ""), given.get("WATCHDOG_PID", "")
    if not usec.isdigit() or pid not in {"", str(os.getpid())}:
        return _STATUS_SECONDS
    return min(_STATUS_SECONDS, int(usec) / 4e6)
