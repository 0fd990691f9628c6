"""The server's clock: a lower bound that hosts with any wall clock agree on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from spoolq.disk.clock import GRAIN_SECONDS, ServerClock
from spoolq.disk.filesystem import OsFileSystem

if TYPE_CHECKING:
    from pathlib import Path


class HandTurned:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class StampingServer:
    """Only what the clock uses: stamps new files with the server's coarse time."""

    def __init__(self, local: HandTurned, offset: float) -> None:
        self.local, self.offset, self.asked = local, offset, 0

    def create(self, name: str) -> tuple[int, float]:
        self.asked += 1
        self.local.now += 0.003
        return 0, self.local.now + self.offset

    def close(self, handle: int) -> None:
        self.local.now += 0.001

    def unlink(self, name: str) -> None:
        self.local.now += 0.001


@pytest.mark.guarantee("I5")
def test_time_is_never_ahead_of_the_server() -> None:
    local = HandTurned(1000.0)
    server = StampingServer(local, 1_700_000_000.0)
    clock = ServerClock(server, local)  # type: ignore[arg-type]
    for _ in range(50):
        local.now += 7.3
        clock.sample()
        truth = local.now + server.offset
        assert truth - GRAIN_SECONDS - 0.01 <= clock.now() <= truth + 1e-6


def test_nothing_is_asked_while_the_sample_is_young() -> None:
    local = HandTurned(0.0)
    server = StampingServer(local, 5.0)
    clock = ServerClock(server, local)  # type: ignore[arg-type]
    clock.now()
    local.now += 10
    clock.now()
    clock.fresh_now(30)
    assert server.asked == 1
    local.now += 30
    clock.fresh_now(30)
    assert server.asked == 2


def test_server_clock_set_back_is_followed_at_once() -> None:
    local = HandTurned(0.0)
    server = StampingServer(local, 10_000.0)
    clock = ServerClock(server, local)  # type: ignore[arg-type]
    clock.sample()
    server.offset -= 3600
    clock.sample()
    assert abs(clock.now() - (local.now + server.offset)) < 0.02


@pytest.mark.guarantee("I7")
def test_real_file_system_tells_its_time_and_keeps_no_scratch(tmp_path: Path) -> None:
    (tmp_path / "sys" / "tmp").mkdir(parents=True)
    clock = ServerClock(OsFileSystem(str(tmp_path)))
    before = os.stat(tmp_path).st_mtime
    (tmp_path / "now").touch()
    truth = (tmp_path / "now").stat().st_mtime
    assert before <= clock.now() + 1
    assert abs(clock.now() - truth) < 60
    assert list((tmp_path / "sys" / "tmp").iterdir()) == []
    assert abs(clock.local() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60
