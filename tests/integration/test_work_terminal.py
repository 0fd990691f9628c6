"""`spoolq work` on a terminal: progress that fits, Ctrl-C, a window that closes."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest
from support.waits import eventually
from support.working import TELL_PID, is_alive

from spoolq import JobStatus, Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.working import Worker

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
SLEEP = f"{TELL_PID}; exec sleep 1000"
UNTIL_TOLD = f'{TELL_PID}; until [ -e "$TOLD/go" ]; do sleep 0.02; done'


class Terminal:
    """A pseudo terminal; `worker_end` is given to the worker as its standard streams."""

    def __init__(self) -> None:
        self.user_end, self.worker_end = os.openpty()
        self.seen = ""
        self.resize(100)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.user_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.user_end, keys)

    def read_until(self, pattern: str, seconds: float = 60) -> str:
        """What was shown from here on until the pattern was."""
        self.seen = ""
        until = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            assert time.monotonic() < until, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.user_end], [], [], 0.1)[0]:
                self.seen += os.read(self.user_end, 4096).decode()
        return self.seen

    def take_over(self) -> None:
        """In the worker: become its session's leader, as a shell's job in the foreground is."""
        os.setsid()
        fcntl.ioctl(self.worker_end, termios.TIOCSCTTY, 0)

    def close(self) -> None:
        for end in (self.user_end, self.worker_end):
            try:
                os.close(end)
            except OSError:
                pass


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def start_there(
    spool: Spool, start_worker: Callable[..., Worker], terminal: Terminal
) -> Callable[..., Worker]:
    def start(*words: str) -> Worker:
        end = terminal.worker_end
        return start_worker(
            spool, *words, stdin=end, stdout=end, stderr=end, preexec_fn=terminal.take_over
        )

    return start


def test_progress_is_shown_on_one_line_that_fits_the_window_whatever_its_size(
    spool: Spool, start_there: Callable[..., Worker], terminal: Terminal
) -> None:
    jobs = spool.publish_many([b""] * 12)
    worker = start_there("-j", "2", "--", "sh", "-c", UNTIL_TOLD)
    worker.pid_of(jobs[0])
    shown = terminal.read_until(r"0 done, 0 failed, 2 running, 10 left")
    assert "\n" not in shown
    terminal.resize(20)
    shown = terminal.read_until(r"0 done, 0 failed, ….*0 done, 0 failed, …")
    lines = [line for line in re.split(r"\r\x1b\[K", shown)[1:] if line]
    assert all(len(line) < 20 for line in lines)
    terminal.resize(100)
    (worker.told / "go").touch()
    terminal.read_until(r"12 done, 0 failed, 0 running, 0 left")
    terminal.type(b"\x03")
    assert worker.wait() == 0


def test_ctrl_c_drains_and_a_second_one_stops(
    spool: Spool, start_there: Callable[..., Worker], terminal: Terminal
) -> None:
    job = spool.publish(b"")
    worker = start_there("--", "sh", "-c", SLEEP)
    pid = worker.pid_of(job)
    terminal.type(b"\x03")
    terminal.read_until("takes no more jobs: got SIGINT")
    terminal.read_until("1 running.*takes no more")
    assert is_alive(pid)
    terminal.type(b"\x03")
    terminal.read_until("stops what runs")
    assert worker.wait() == 0
    assert not is_alive(pid)
    assert spool.get(job).status is JobStatus.READY


@pytest.mark.parametrize("finishes", [True, False])
def test_a_window_that_is_closed_loses_no_work(
    spool: Spool, start_there: Callable[..., Worker], terminal: Terminal, *, finishes: bool
) -> None:
    job, later = spool.publish_many([b""] * 2)
    script = UNTIL_TOLD if finishes else f"{UNTIL_TOLD}; exit 9"
    worker = start_there("--", "sh", "-c", script)
    pid = worker.pid_of(job)
    terminal.read_until("1 running")
    terminal.close()
    (worker.told / "go").touch()
    # It says what failed to nobody, and ends as it would.
    assert worker.wait() == (0 if finishes else 6)
    assert not is_alive(pid)
    wanted = JobStatus.DONE if finishes else JobStatus.FAILED
    assert [spool.get(each).status for each in (job, later)] == [wanted, JobStatus.READY]


def test_no_progress_where_nobody_reads_it(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    spool.publish(b"")
    worker = start_worker(spool, "--idle-exit", "2.5s", "--", "true")
    assert worker.wait() == 0
    assert (worker.out, worker.err) == ("", "")
    eventually(lambda: spool.stats().done == 1)
