"""Commands under the guard: real processes, groups, signals, and deaths of every party."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.processes import environment
from support.waits import eventually

from spoolq.worker import groups, payload
from spoolq.worker.capture import Captures
from spoolq.worker.child import Command, Commands, Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
# Prints its pid (and its grandchild's) when both are ready to be hit; neither heeds TERM.
STUBBORN = 'trap "" TERM; (trap "" TERM; echo $$; exec sleep 1000) & echo $!; wait; sleep 1000'


@pytest.fixture
def null() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def commands() -> Iterator[Commands]:
    with Commands(grace_seconds=0.3) as all_of_them:
        yield all_of_them


@pytest.fixture
def captures() -> Iterator[Captures]:
    with Captures() as all_of_them:
        yield all_of_them


@pytest.fixture
def run(commands: Commands, null: int) -> Callable[..., Ended]:
    """Run a command to its end."""

    def run(*argv: str, stdin: int = null, stdout: int = null, **options: Any) -> Ended:
        limits = {k: options.pop(k) for k in ("time_limit", "trusted_until") if k in options}
        number = commands.start(Command(argv, stdin, stdout, null, **options), **limits)
        (ended,) = commands.wait(20)
        assert ended.number == number
        return ended

    return run


@pytest.fixture
def start(commands: Commands, null: int) -> Iterator[Callable[..., tuple[int, list[bytes]]]]:
    """Start a shell command and wait until it has printed so many lines; its number and lines."""
    ends: list[int] = []

    def start(script: str, lines: int = 1, **limits: Any) -> tuple[int, list[bytes]]:
        read_end, write_end = os.pipe()
        ends.append(read_end)
        number = commands.start(Command(["sh", "-c", script], null, write_end, null), **limits)
        os.close(write_end)
        return number, read_lines(read_end, lines)

    yield start
    for end in ends:
        os.close(end)


def read_lines(descriptor: int, count: int) -> list[bytes]:
    data = b""
    while data.count(b"\n") < count:
        assert select.select([descriptor], [], [], 20)[0], f"only {data!r} was printed"
        more = os.read(descriptor, 4096)
        assert more, f"the stream ended after {data!r}"
        data += more
    return data.splitlines()


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    return not os.path.isdir("/proc/self")


# --- how commands end


@pytest.mark.parametrize("code", [0, 1, 75, 126, 127, 255])
def test_the_exit_status_is_told(run: Callable[..., Ended], code: int) -> None:
    ended = run("sh", "-c", f"exit {code}")
    assert (ended.exit_code, ended.signal, ended.stopped) == (code, None, None)
    assert ended.start_error is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_death_by_a_signal_is_told(run: Callable[..., Ended], number: int) -> None:
    ended = run("sh", "-c", f"kill -{int(number)} $$")
    assert (ended.exit_code, ended.signal, ended.stopped) == (None, number, None)


def test_a_command_that_is_not_there_ends_like_in_a_shell(
    run: Callable[..., Ended], tmp_path: Path
) -> None:
    ended = run(str(tmp_path / "missing"))
    assert ended.exit_code == 127
    assert "missing: No such file" in (ended.start_error or "")
    (tmp_path / "plain").write_text("x")
    assert run(str(tmp_path / "plain")).exit_code == 126
    assert run("true", cwd=str(tmp_path / "nowhere")).exit_code == 127
    assert run("true\0").exit_code == 126
    assert run("true").exit_code == 0, "the guard goes on after refusals"


def test_times_memory_and_clock_are_told(null: int) -> None:
    ticks = iter([100.0, 107.5])
    with Commands(clock=lambda: next(ticks)) as commands:
        work = "d = bytearray(50_000_000); [i * i for i in range(1_000_000)]"
        commands.start(Command([sys.executable, "-I", "-S", "-c", work], null, null, null))
        (ended,) = commands.wait(20)
    assert (ended.started, ended.finished) == (100.0, 107.5)
    assert ended.peak_bytes > 50_000_000
    assert ended.user_seconds + ended.system_seconds > 0
    assert ended.wall_seconds > 0.01


def test_argv_environment_and_directory_arrive_byte_for_byte(
    run: Callable[..., Ended], tmp_path: Path
) -> None:
    odd = os.fsdecode(b"a b\n\xff\xc3\xa4$HOME")
    out = tmp_path / "out"
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT)
    script = 'printf "%s|" "$1" "$ODD" "$PWD"'
    argv = ["sh", "-c", script, "sh", odd]
    run(*argv, stdout=descriptor, environment={"ODD": odd}, cwd=str(tmp_path))
    os.close(descriptor)
    assert out.read_bytes() == b"|".join([os.fsencode(odd)] * 2 + [bytes(tmp_path), b""])


def test_a_command_gets_three_descriptors_and_default_signals(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    code = (
        "import os, signal\n"
        "print([n for n in range(3, 256) if os.path.exists(f'/proc/self/fd/{n}')"
        " and 'fd' not in os.readlink(f'/proc/self/fd/{n}')],"
        " [s.name for s in signal.Signals if s not in (13, 25, 2)"
        " and signal.getsignal(s) != signal.SIG_DFL], signal.pthread_sigmask(0, []),"
        " os.getsid(0) == os.getpgid(0) == os.getpid())"
    )
    _, (line,) = start(f'exec "{sys.executable}" -I -S -c "{code}"')
    assert line == b"[] [] set() True"
    assert commands.wait(20)[0].exit_code == 0


def test_many_commands_run_at_once_and_none_is_lost(commands: Commands, null: int) -> None:
    expected = {}
    for index in range(60):
        argv = ["sh", "-c", f"exit {index % 7}"]
        expected[commands.start(Command(argv, null, null, null))] = index % 7
    seen: dict[int, int | None] = {}
    while len(seen) < 60:
        ended = commands.wait(20)
        assert ended
        seen |= {one.number: one.exit_code for one in ended}
    assert seen == expected
    assert len(commands) == 0


def test_waiting_with_nothing_running_returns_at_once(commands: Commands) -> None:
    assert commands.wait() == []
    assert commands.wait(1000) == []


def test_descriptors_do_not_pile_up(run: Callable[..., Ended], commands: Commands) -> None:
    run("true")
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc to count in")
    guard = f"/proc/{commands.guard_pid}/fd"
    before = len(os.listdir("/proc/self/fd")), len(os.listdir(guard))
    for argv in [["true"], ["/nonexistent"]] * 10:
        run(*argv)
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir(guard))) == before


# --- stopping


def test_a_time_limit_ends_the_group_with_term(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    start("echo up; sleep 1000", time_limit=0.2)
    (ended,) = commands.wait(20)
    assert (ended.stopped, ended.signal, ended.killed) == ("timeout", signal.SIGTERM, False)
    assert ended.timed_out
    assert 0.2 <= ended.wall_seconds < 10


def test_a_command_that_heeds_term_and_exits_0_has_still_timed_out(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    start("trap 'exit 0' TERM; echo up; sleep 1000 & wait", time_limit=0.2)
    (ended,) = commands.wait(20)
    assert (ended.timed_out, ended.exit_code) == (True, 0)


def test_who_ignores_term_is_killed_after_the_grace_period_to_the_last_member(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    number, lines = start(STUBBORN, 2)
    before = time.monotonic()
    commands.stop(number)
    (ended,) = commands.wait(20)
    assert (ended.stopped, ended.signal, ended.killed) == ("request", signal.SIGKILL, True)
    assert time.monotonic() - before >= 0.3
    assert not any(is_alive(int(pid)) for pid in lines)


def test_a_second_stop_can_shorten_the_grace_period(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    number, _ = start(STUBBORN, 2)
    before = time.monotonic()
    commands.stop(number, grace_seconds=1000)
    commands.stop(number, reason="second signal", grace_seconds=0)
    (ended,) = commands.wait(20)
    assert (ended.stopped, ended.killed) == ("request", True)
    assert time.monotonic() - before < 20


def test_a_stopped_command_can_be_ended(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    number, (pid,) = start("trap 'exit 9' TERM; echo $$; while :; do sleep 0.01; done")
    os.kill(int(pid), signal.SIGSTOP)
    commands.stop(number, grace_seconds=15)
    (ended,) = commands.wait(20)
    assert (ended.exit_code, ended.killed) == (9, False)


def test_a_lease_that_is_not_renewed_stops_the_command_and_a_renewed_one_does_not(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    lost, _ = start("echo up; sleep 1000", trusted_until=time.monotonic() + 0.5)
    kept, _ = start("echo up; sleep 1000", trusted_until=time.monotonic() + 0.5)
    commands.trust([kept], time.monotonic() + 1000)
    (ended,) = commands.wait(20)
    assert (ended.number, ended.stopped) == (lost, "lease")
    assert commands.wait(0.3) == []
    commands.stop(kept)
    assert commands.wait(20)[0].number == kept


def test_stopping_one_that_has_ended_does_nothing(
    run: Callable[..., Ended], commands: Commands
) -> None:
    commands.stop(run("true").number)
    assert run("true").stopped is None


def test_members_left_in_the_group_are_ended_and_the_status_stays(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    _, (pid,) = start("sleep 1000 & echo $!; exit 3")
    (ended,) = commands.wait(20)
    assert (ended.exit_code, ended.stopped, ended.stragglers) == (3, None, True)
    assert not is_alive(int(pid))


def test_members_that_finish_soon_are_left_to_it(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands, tmp_path: Path
) -> None:
    start(f"(trap '' HUP; sleep 0.1; echo all >{tmp_path}/late) & echo up")
    (ended,) = commands.wait(20)
    assert not ended.stragglers
    assert (tmp_path / "late").read_text() == "all\n"


def daemon(signs: Path) -> str:
    """A shell line that leaves a daemon behind and goes on once it is in a session of its own."""
    line = f"echo $$; echo $$ >{signs}; exec sleep 1000"
    return f"setsid sh -c '{line}' & while ! [ -s {signs} ]; do sleep 0.01; done"


@LINUX
def test_a_daemon_outlives_a_good_end_but_not_a_stop(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands, tmp_path: Path
) -> None:
    _, (pid,) = start(daemon(tmp_path / "a"))
    assert commands.wait(20)[0].exit_code == 0
    assert is_alive(int(pid))
    os.kill(int(pid), signal.SIGKILL)
    number, (pid,) = start(daemon(tmp_path / "b") + "; sleep 1000")
    eventually((tmp_path / "b").exists)
    commands.stop(number)
    commands.wait(20)
    assert not is_alive(int(pid))


# --- the deaths of the others


@LINUX
@pytest.mark.parametrize("how", ["killed", "crashed", "killed with its process group"])
def test_when_the_worker_dies_nobody_of_its_commands_lives_on(how: str) -> None:
    program = (
        "import os, sys, time\n"
        "from spoolq.worker.child import Command, Commands\n"
        "commands = Commands(grace_seconds=1000)\n"
        "null = os.open(os.devnull, os.O_RDWR)\n"
        f"commands.start(Command(['sh', '-c', {STUBBORN!r}], null, 1, 2))\n"
        "sys.stdin.read(1)\n"
        "raise SystemExit('crashed')\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    with worker.stdin, worker.stdout:
        pids = [int(line) for line in read_lines(worker.stdout.fileno(), 2)]
        assert all(is_alive(pid) for pid in pids)
        if how == "killed":
            worker.kill()
        elif how == "crashed":
            worker.stdin.write(b"x")
            worker.stdin.flush()
        else:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    eventually(lambda: not any(map(is_alive, pids)), 1.0, "the whole group dies within a second")


@LINUX
def test_no_command_escapes_a_worker_killed_while_it_starts_them(tmp_path: Path) -> None:
    program = (
        "import os\n"
        "from spoolq.worker.child import Command, Commands\n"
        "commands = Commands()\n"
        "null = os.open(os.devnull, os.O_RDWR)\n"
        "print('up', flush=True)\n"
        "while True:\n"
        f"    commands.start(Command(['sleep', '1000.25'], null, null, null, cwd={str(tmp_path)!r}))"
    )

    def sleepers() -> list[str]:
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd") == str(tmp_path):
                    found.append(pid)
        return found

    for _ in range(5):
        worker = subprocess.Popen(
            [sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE
        )
        assert worker.stdout is not None
        with worker.stdout:
            read_lines(worker.stdout.fileno(), 1)
            eventually(sleepers, 10, "commands run")
            worker.kill()
            worker.wait()
        eventually(lambda: not sleepers(), 5, "all are gone")


@LINUX
def test_when_the_guard_dies_its_commands_die_and_the_next_gets_a_new_guard(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands, run: Callable[..., Ended]
) -> None:
    number, lines = start(STUBBORN, 2)
    assert commands.guard_pid is not None
    os.kill(commands.guard_pid, signal.SIGKILL)
    (ended,) = commands.wait(20)
    assert (ended.number, ended.stopped, ended.signal) == (number, "guard", signal.SIGKILL)
    assert not any(is_alive(int(pid)) for pid in lines)
    assert run("true").exit_code == 0


@LINUX
def test_a_command_asked_for_while_the_guard_is_dead_is_reported_not_lost(
    run: Callable[..., Ended], commands: Commands
) -> None:
    assert run("true").exit_code == 0
    assert commands.guard_pid is not None
    os.kill(commands.guard_pid, signal.SIGKILL)
    eventually(lambda: not is_alive(commands.guard_pid or 0))
    assert run("true").stopped == "guard"
    assert run("true").exit_code == 0


@LINUX
def test_the_guard_adopts_orphans_and_leaves_no_zombies(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands, tmp_path: Path
) -> None:
    _, (pid,) = start(daemon(tmp_path / "a"))
    commands.wait(20)
    with open(f"/proc/{int(pid)}/stat") as stat:
        parent = stat.read().rpartition(")")[2].split()[1]
    assert int(parent) == commands.guard_pid
    os.kill(int(pid), signal.SIGKILL)
    eventually(lambda: not os.path.exists(f"/proc/{int(pid)}"), 5, "no zombie stays")


@LINUX
def test_the_guard_is_small_and_ignores_term(commands: Commands, run: Callable[..., Ended]) -> None:
    run("true")
    assert commands.guard_pid is not None
    os.kill(commands.guard_pid, signal.SIGTERM)
    assert run("true", time_limit=1e15, trusted_until=1e15).exit_code == 0
    with open(f"/proc/{commands.guard_pid}/status") as status:
        resident = next(line for line in status if line.startswith("VmRSS"))
    assert int(resident.split()[1]) < 30_000


def test_closing_kills_what_runs_and_ends_the_guard(null: int) -> None:
    commands = Commands(grace_seconds=1000)
    read_end, write_end = os.pipe()
    commands.start(Command(["sh", "-c", STUBBORN], null, write_end, null))
    os.close(write_end)
    pids = [int(line) for line in read_lines(read_end, 2)]
    guard = commands.guard_pid
    assert guard is not None
    commands.close()
    commands.close()
    os.close(read_end)
    assert not any(map(is_alive, [*pids, guard]))


@LINUX
def test_a_limit_holds_while_the_worker_is_stopped() -> None:
    program = (
        "import os, signal, time\n"
        "from spoolq.worker.child import Command, Commands\n"
        "commands = Commands(grace_seconds=0.1)\n"
        "null = os.open(os.devnull, os.O_RDWR)\n"
        f"c = Command(['sh', '-c', {STUBBORN!r}], null, 1, 2)\n"
        "commands.start(c, trusted_until=time.monotonic() + 0.7)\n"
        "print('\\n'.join(f'{e.stopped}' for e in commands.wait(60)), flush=True)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    with worker.stdout:
        pids = [int(line) for line in read_lines(worker.stdout.fileno(), 2)]
        os.kill(worker.pid, signal.SIGSTOP)
        eventually(lambda: not any(map(is_alive, pids)), 10, "the commands end on time")
        os.kill(worker.pid, signal.SIGCONT)
        assert read_lines(worker.stdout.fileno(), 1) == [b"lease"]
        assert worker.wait() == 0


# --- input and output


def opener(path: Path) -> Callable[[], int]:
    return lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


@pytest.fixture
def logged(
    commands: Commands, captures: Captures, null: int, tmp_path: Path
) -> Callable[..., tuple[Ended, Any, bytes | None]]:
    """Run a command with its output captured; its end, what was logged, the log's content."""

    def logged(*argv: str, stdin: int = null, **options: Any) -> tuple[Ended, Any, bytes | None]:
        path = tmp_path / "log"
        capture = captures.open(opener(path), **options)
        commands.start(Command(argv, stdin, capture.write_end, null))
        capture.started()
        (ended,) = commands.wait(60)
        result = capture.finish()
        return ended, result, path.read_bytes() if path.exists() else None

    return logged


def test_what_is_printed_is_logged_byte_for_byte(logged: Callable[..., Any]) -> None:
    _, result, content = logged("printf", r"\000\377\r\nx")
    assert content == b"\0\xff\r\nx"
    assert (result.total_bytes, result.lost_bytes, result.cut_bytes) == (5, 0, 0)


def test_a_silent_command_makes_no_log(logged: Callable[..., Any]) -> None:
    assert logged("true")[2] is None


def test_a_command_that_closes_its_output_runs_on_and_ends(logged: Callable[..., Any]) -> None:
    ended, _, content = logged("sh", "-c", "echo a; exec >&- 2>&-; sleep 0.1; exit 5")
    assert (ended.exit_code, content) == (5, b"a\n")


def test_a_hundred_megabytes_are_capped_and_memory_stays_flat(
    logged: Callable[..., Any],
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    script = "echo begin; head -c 100000000 /dev/zero; echo end"
    ended, result, content = logged("sh", "-c", script, limit=1_000_000)
    assert ended.exit_code == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    assert result.total_bytes == 100_000_010
    assert result.cut_bytes == 99_000_010
    note = b"\n[spoolq: 99000010 bytes of output left out here]\n"
    assert content == b"begin\n" + bytes(749_994) + note + bytes(249_996) + b"end\n"


def test_a_log_can_be_read_while_the_command_runs(
    commands: Commands, captures: Captures, null: int, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    capture = captures.open(opener(path))
    number = commands.start(Command(["sh", "-c", "echo a; cat"], null, capture.write_end, null))
    capture.started()
    eventually(lambda: path.exists() and path.read_bytes() == b"a\n")
    commands.stop(number)
    commands.wait(20)
    capture.finish()


@LINUX
def test_a_daemon_that_keeps_the_pipe_open_keeps_nobody(
    commands: Commands, captures: Captures, null: int, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    capture = captures.open(opener(path))
    argv = ["sh", "-c", daemon(tmp_path / "a")]
    commands.start(Command(argv, null, capture.write_end, null))
    capture.started()
    (ended,) = commands.wait(20)
    capture.finish()
    assert ended.exit_code == 0
    pid = int(path.read_bytes())
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_loses_output_but_neither_the_command_nor_the_truth(
    commands: Commands, captures: Captures, null: int
) -> None:
    capture = captures.open(lambda: os.open("/dev/full", os.O_WRONLY))
    argv = ["sh", "-c", "head -c 3000000 /dev/zero && echo fine"]
    commands.start(Command(argv, null, capture.write_end, null))
    capture.started()
    assert commands.wait(20)[0].exit_code == 0
    result = capture.finish()
    assert (result.total_bytes, result.lost_bytes) == (3_000_005, 3_000_005)
    assert result.error == "No space left on device"


@pytest.mark.parametrize("size", [0, 5, 4096, 4097, 64 * 1024 * 1024])
def test_a_payload_of_any_size_arrives_on_standard_input(
    logged: Callable[..., Any], size: int, tmp_path: Path
) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    (tmp_path / "task").write_bytes(data)
    for stdin in (payload.open_bytes(data), payload.open_path(str(tmp_path / "task"))):
        ended, _, content = logged("wc", "-c", stdin=stdin)
        os.close(stdin)
        assert ended.exit_code == 0
        assert int((content or b"").split()[-1]) == size


def test_a_payload_left_unread_disturbs_nobody(logged: Callable[..., Any], tmp_path: Path) -> None:
    with open(tmp_path / "task", "wb") as file:
        file.truncate(64 * 1024 * 1024)
    for stdin in (payload.open_bytes(bytes(64 * 1024 * 1024)), payload.open_path(file.name)):
        assert logged("true", stdin=stdin)[0].exit_code == 0
        os.close(stdin)


def test_a_link_or_a_fifo_is_no_payload(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name in ("fifo", "link", "missing"):
        with pytest.raises(OSError, match=name):
            payload.open_path(str(tmp_path / name))


def test_limits_and_stops_may_come_from_other_threads(
    start: Callable[..., tuple[int, list[bytes]]], commands: Commands
) -> None:
    number, _ = start("echo up; sleep 1000")
    threading.Timer(0.05, commands.stop, [number]).start()
    assert commands.wait(20)[0].stopped == "request"


@LINUX
def test_a_nested_worker_is_not_marked_by_the_outer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(groups.RUN_VARIABLE, "outer-1")
    with Commands() as commands:
        # The guard's environment is to be seen once it is not our own image any more.
        eventually(lambda: b"-I" in Path(f"/proc/{commands.guard_pid}/cmdline").read_bytes())
        assert b"outer-1" not in Path(f"/proc/{commands.guard_pid}/environ").read_bytes()


def test_what_is_in_the_pipe_at_the_end_is_not_lost(captures: Captures, tmp_path: Path) -> None:
    for index in range(100):
        capture = captures.open(opener(tmp_path / f"{index}"))
        os.write(capture.write_end, bytes(50_000))
        assert capture.finish().total_bytes == 50_000
        assert (tmp_path / f"{index}").stat().st_size == 50_000
