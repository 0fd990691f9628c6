"""Commands published by `submit`, run by a real worker, watched by `submit --wait` and `logs`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command_line import Ran, command
from support.processes import environment
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq import Spool

PATIENCE_SECONDS = 60


class Shell:
    """A user's shell on a spool, and the processes it has started."""

    def __init__(self, spool: Spool, home: Path) -> None:
        self.spool, self.home = spool, home
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a command of spoolq."""
        self._started.append(
            subprocess.Popen(
                command(*words),
                cwd=self.home,
                env=environment(SPOOLQ_DIR=self.spool.path, **env),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        return self._started[-1]

    def run(self, *words: str, **env: str) -> Ran:
        """Run one to its end."""
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return Ran(process.returncode, os.fsdecode(out), os.fsdecode(err))

    def close(self) -> None:
        """End all of them."""
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def shell(make_spool: Callable[..., Spool], here: Path) -> Iterator[Shell]:
    spool = make_spool(lease_seconds=2, retry_delay_seconds=0.01)
    made = Shell(spool, here)
    yield made
    made.close()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    return place


@pytest.fixture
def worker(shell: Shell) -> subprocess.Popen[bytes]:
    return shell.start("work", "--commands", "-j", "2")


@pytest.mark.usefixtures("worker")
def test_a_command_runs_where_and_as_it_was_submitted(shell: Shell) -> None:
    script = 'pwd; echo "$MINE" >&2; cat; exit "$1"'
    ran = shell.run("submit", "--wait", "--env", "MINE=a b", "--shell", "--", script, "5")
    assert (ran.status, ran.out, ran.err) == (5, f"{shell.home}\n", "a b\n")
    (job,) = shell.spool.list()
    logs = shell.run("logs", job.id).good()
    assert (logs.out, logs.err) == (ran.out, ran.err)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--", "true"), 0),
        (("--timeout", "200ms", "--", "sleep", "600"), 124),
        (("--", "there-is-no-such-program"), 127),
        (("--cwd", "/nowhere", "--", "true"), 127),
        (("--shell", "--", "kill -KILL $$"), 137),
        (("--retries", "2", "--shell", "--", 'test "$SPOOLQ_ATTEMPT" = 3'), 0),
    ],
)
def test_the_exit_status_is_the_commands(shell: Shell, words: tuple[str, ...], status: int) -> None:
    assert shell.run("submit", "--wait", *words).status == status


@pytest.mark.usefixtures("worker")
def test_an_array_comes_out_in_order(shell: Shell) -> None:
    script = 'echo "$SPOOLQ_ARRAY_INDEX $1"; exit $((SPOOLQ_ARRAY_INDEX % 5))'
    (shell.home / "lines").write_text("".join(f"line '{n}' $x\n" for n in range(1, 13)))
    ran = shell.run("submit", "--wait", "--array", "lines", "--shell", "--", script, "{}")
    assert ran.lines == [f"{n} line '{n}' $x" for n in range(1, 13)]
    assert ran.status == 4


@pytest.mark.usefixtures("worker")
def test_ctrl_c_stops_the_command_too(shell: Shell) -> None:
    waiting = shell.start("submit", "--wait", "--", "sh", "-c", "echo $$; exec sleep 600")
    assert waiting.stdout
    pid = int(waiting.stdout.readline())
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(PATIENCE_SECONDS) == 130
    eventually(lambda: not Path(f"/proc/{pid}").exists(), PATIENCE_SECONDS, "the command is gone")
    (job,) = shell.spool.list()
    assert job.outcome == "cancelled"


@pytest.mark.usefixtures("worker")
def test_logs_follow_a_running_command_through_its_retries(shell: Shell) -> None:
    script = (
        'echo "attempt $SPOOLQ_ATTEMPT"; while [ ! -e "go$SPOOLQ_ATTEMPT" ]; do sleep 0.05; done; '
    )
    script += "head -c 3000000 /dev/zero; exit 1"
    job_id = shell.run("submit", "--retries", "1", "--shell", "--", script).good().out.strip()
    following = shell.start("logs", "-f", job_id)
    assert following.stdout
    for attempt in (1, 2):
        assert following.stdout.readline() == b"attempt %d\n" % attempt
        (shell.home / f"go{attempt}").touch()
        assert following.stdout.read(3_000_000) == bytes(3_000_000)
    assert following.stdout.read() == b""
    assert following.wait(PATIENCE_SECONDS) == 0


def test_a_service_manager_hears_of_the_worker_and_not_of_its_commands(
    shell: Shell, tmp_path: Path
) -> None:
    address = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE_SECONDS)
        worker = shell.start("work", "--commands", NOTIFY_SOCKET=address, WATCHDOG_USEC="2000000")
        assert manager.recv(1000) == b"READY=1"
        assert manager.recv(1000).startswith(b"WATCHDOG=1\nSTATUS=")
        ran = shell.run("submit", "--wait", "--", "sh", "-c", "echo ${NOTIFY_SOCKET-none}")
        assert ran.good().out == "none\n"
        worker.send_signal(signal.SIGTERM)
        heard: list[Any] = []
        while not (heard and heard[-1].startswith(b"STOPPING=1")):
            heard.append(manager.recv(1000))
    assert worker.wait(PATIENCE_SECONDS) == 0


def test_a_worker_that_begins_anew_is_still_the_service_managers(
    shell: Shell, tmp_path: Path
) -> None:
    address = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE_SECONDS)
        worker = shell.start("work", "--commands", "--max-rss", "1", NOTIFY_SOCKET=address)
        assert manager.recv(1000) == b"READY=1"
        shell.run("submit", "--", "true").good()
        while manager.recv(1000) != b"READY=1":
            assert worker.poll() is None
