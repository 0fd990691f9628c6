"""What a service manager is told, by the socket that it gave."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from spoolq.worker.endings import Outcome
from spoolq.worker.listener import Counts, Listener
from spoolq.worker.notify import Announcer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Manager:
    """The other end."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """The messages since the last call."""
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return messages


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    name = f"{tmp_path}/notify"
    monkeypatch.setenv("NOTIFY_SOCKET", name if request.param == "path" else f"@{name}")
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    made = Manager(name if request.param == "path" else f"\0{name}")
    yield made
    made.socket.close()


def test_ready_alive_and_leaving_are_told(manager: Manager) -> None:
    announcer = Announcer(Listener())
    assert manager.heard() == []
    announcer.ready()
    assert manager.heard() == ["READY=1"]
    announcer.beat(Counts(running=2, done=5, failed=1), draining=False)
    announcer.beat(Counts(), draining=False)  # not twice within a second
    assert manager.heard() == ["WATCHDOG=1\nSTATUS=2 running, 5 done, 1 failed"]
    announcer.draining("got SIGTERM")
    announcer.draining("again")
    assert manager.heard() == ["STOPPING=1\nSTATUS=takes no more jobs: got SIGTERM"]


def test_commands_do_not_learn_of_the_socket_but_the_worker_begun_anew_does(
    manager: Manager,
) -> None:
    announcer = Announcer(Listener())
    assert "NOTIFY_SOCKET" not in os.environ
    assert "WATCHDOG_USEC" not in os.environ
    announcer.hand_on()
    Announcer(Listener()).ready()
    assert manager.heard() == ["READY=1"]


def test_a_manager_that_is_gone_or_deaf_stops_nothing(manager: Manager) -> None:
    announcer = Announcer(Listener())
    for _ in range(10_000):  # more than its queue holds
        announcer.ready()
    manager.socket.close()
    announcer.ready()


def test_without_a_manager_all_is_passed_on_and_nothing_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    heard = []

    class Inner(Listener):
        def __getattribute__(self, name: str) -> object:
            return lambda *args, **more: heard.append((name, *args, *more.values()))

    announcer = Announcer(Inner())
    counts = Counts()
    announcer.ready()
    announcer.beat(counts, draining=True)
    announcer.draining("a")
    announcer.stopping("b")
    announcer.ended("id", 1, Outcome.DONE, "c")
    announcer.trouble("d")
    assert heard == [
        ("ready",),
        ("beat", counts, True),
        ("draining", "a"),
        ("stopping", "b"),
        ("ended", "id", 1, Outcome.DONE, "c"),
        ("trouble", "d"),
    ]
