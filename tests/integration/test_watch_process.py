"""Watching across fork, spawn and the end of the interpreter, with real processes."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from support.processes import run_python
from support.waits import eventually

from spoolq.waiting import hub, watch
from spoolq.waiting.watch import subscribe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spoolq.waiting.watch import Subscription

SECONDS = 20.0

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="inotify and /proc are Linux's"),
    # Python 3.12 and later warn of what is tested here.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

Told = queue.SimpleQueue  # of str | None


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "ready").mkdir()
    return tmp_path / "ready"


def arrive(directory: Path, name: str) -> None:
    made = directory.parent / f"tmp-{name}"
    made.write_bytes(b"")
    made.rename(directory / name)


def until(told: Told[str | None], name: str) -> None:
    while told.get(timeout=SECONDS) != name:
        pass


def inotify_instances() -> int:
    """How many this process has, without what the import of watchdog has left open."""
    count = -AT_IMPORT
    for fd in os.listdir("/proc/self/fd"):
        try:
            count += "inotify" in os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:  # the listing's own
            continue
    return count


AT_IMPORT = 0
if sys.platform == "linux":
    watch._observer_class()  # watchdog 7.0.0 opens an inotify instance when it is imported
    AT_IMPORT = inotify_instances()


def forked(work: Callable[[], None]) -> int:
    """Fork; the child works, then ends with 0, or with 1 and a traceback. Its process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(60)  # a deadlock ends too
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended_well(pid: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def watch_once(directory: Path, name: str) -> None:
    """Subscribe, be told of a file that arrives, close, and see that nothing is left."""
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)
    arrive(directory, name)
    until(told, name)
    assert inotify_instances() == 1
    subscription.close()
    eventually(lambda: not hub._hubs, what="no hub left")
    assert inotify_instances() == 0


# -- fork ----------------------------------------------------------------------------------------


def test_a_forked_child_starts_afresh_and_the_parent_goes_on(directory: Path) -> None:
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)

    def child() -> None:
        assert inotify_instances() == 0  # not even a copy of the parent's is kept
        assert not subscription.active
        subscription.close()
        watch_once(directory, "from-child")
        assert told.empty()

    assert ended_well(forked(child))
    until(told, "from-child")
    assert subscription.active
    arrive(directory, "after")
    until(told, "after")
    subscription.close()


def test_a_child_of_a_child(directory: Path) -> None:
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)

    def child() -> None:
        mine: Told[str | None] = queue.SimpleQueue()
        child_subscription = subscribe(str(directory), mine.put)
        assert ended_well(forked(lambda: watch_once(directory, "from-grandchild")))
        until(mine, "from-grandchild")
        child_subscription.close()

    assert ended_well(forked(child))
    until(told, "from-grandchild")
    subscription.close()


def test_a_child_takes_no_events_from_its_parent(directory: Path) -> None:
    """Both are told of every file while both watch."""
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)
    ready_r, ready_w = os.pipe()
    expected: list[str | None] = [f"job-{number}" for number in range(200)]

    def child() -> None:
        mine: Told[str | None] = queue.SimpleQueue()
        subscribe(str(directory), mine.put)
        os.write(ready_w, b".")
        assert [mine.get(timeout=SECONDS) for _ in expected] == expected

    pid = forked(child)
    assert os.read(ready_r, 1) == b"."
    for name in expected:
        arrive(directory, str(name))
    assert [told.get(timeout=SECONDS) for _ in expected] == expected
    assert ended_well(pid)
    subscription.close()
    os.close(ready_r)
    os.close(ready_w)


def test_forks_while_threads_subscribe_and_close(directory: Path, tmp_path: Path) -> None:
    """Wherever the other threads stand at the fork: no child finds a lock held for ever."""
    busy, over = tmp_path / "busy", threading.Event()
    busy.mkdir()

    def churn() -> None:
        while not over.is_set():
            told: Told[str | None] = queue.SimpleQueue()
            subscription = subscribe(str(busy), told.put)
            (busy / f"{threading.get_ident()}").write_bytes(b"")
            subscription.close()
            (busy / f"{threading.get_ident()}").unlink()

    threads = [threading.Thread(target=churn) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(30):
            name = f"child-{number}"
            assert ended_well(forked(lambda name=name: watch_once(directory, name)))  # type: ignore[misc]
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_fork_from_within_a_receiver(directory: Path) -> None:
    """The observer's own thread is the one that lives on in the child; it must wind up there."""
    pids: queue.SimpleQueue[int] = queue.SimpleQueue()
    told: Told[str | None] = queue.SimpleQueue()

    def receiver(name: str | None) -> None:
        if name == "fork":
            pids.put(forked(lambda: watch_once(directory, "from-receiver")))
        told.put(name)

    subscription = subscribe(str(directory), receiver)
    arrive(directory, "fork")
    assert ended_well(pids.get(timeout=SECONDS))
    until(told, "from-receiver")
    subscription.close()


def test_a_child_that_returns_from_the_receiver_reads_nothing_of_its_parents(
    tmp_path: Path, directory: Path
) -> None:
    program = """
import os, queue, signal, sys, warnings
from spoolq.waiting.watch import subscribe
warnings.simplefilter("ignore", DeprecationWarning)   # 3.12: of a fork beside threads
signal.alarm(60)
told = queue.SimpleQueue()
def receiver(name):
    if name == "fork":
        pid = os.fork()
        if pid == 0:
            signal.alarm(10)
            return   # in the child, out of the receiver into the observer's loop
        told.put(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    else:
        told.put(name)
subscription = subscribe(sys.argv[1], receiver)
for name in ("fork", "next"):
    open(os.path.join(sys.argv[1], name), "w").close()
assert [told.get(timeout=20), told.get(timeout=20)] == [0, "next"]
"""
    done = run_python(program, str(directory))
    assert (done.returncode, done.stderr) == (0, "")


def _work_of_a_process(directory: Path, name: str) -> None:
    watch_once(directory, name)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(directory: Path, method: str) -> None:
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)
    context = multiprocessing.get_context(method)
    if method == "fork":
        process = context.Process(target=_work_of_a_process, args=(directory, "from-process"))  # type: ignore[attr-defined]
        process.start()
    else:  # pytest's own import of this file cannot be repeated there, so no pickled function
        process = context.Process(target=exec, args=(SPAWNED, {"where": str(directory)}))  # type: ignore[attr-defined]
        process.start()
    process.join(60)
    assert process.exitcode == 0
    until(told, "from-process")
    subscription.close()


SPAWNED = """
import os, queue
from spoolq.waiting.watch import subscribe
told = queue.SimpleQueue()
subscription = subscribe(where, told.put)
open(os.path.join(where, "from-process"), "w").close()
assert told.get(timeout=20) == "from-process"
subscription.close()
"""


# -- other processes, limits, the end ------------------------------------------------------------


def test_arrivals_from_another_process(directory: Path) -> None:
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)
    subprocess.run(["touch", str(directory / "by-touch")], check=True)
    until(told, "by-touch")
    subscription.close()


def test_a_started_program_does_not_inherit_the_descriptor(directory: Path) -> None:
    told: Told[str | None] = queue.SimpleQueue()
    subscription = subscribe(str(directory), told.put)
    done = subprocess.run(
        ["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True, check=True
    )
    assert inotify_instances() == 1
    assert done.stdout.count("inotify") == AT_IMPORT
    subscription.close()


@pytest.mark.parametrize("busy", [False, True], ids=["quiet", "while files arrive"])
def test_the_interpreter_ends_at_once_and_in_silence(directory: Path, busy: bool) -> None:
    program = """
import os, queue, sys, threading
from spoolq.waiting.watch import subscribe
told = queue.SimpleQueue()
kept = [subscribe(sys.argv[1], told.put) for _ in range(3)]
def publish():
    number = 0
    while True:
        number += 1
        open(os.path.join(sys.argv[1], f"job-{number % 100}"), "w").close()
        os.unlink(os.path.join(sys.argv[1], f"job-{number % 100}"))
if sys.argv[2] == "True":
    threading.Thread(target=publish, daemon=True).start()
    told.get(timeout=20)
"""
    done = run_python(program, str(directory), str(busy))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_descriptors_left_is_unavailable(directory: Path) -> None:
    program = """
import os, resource, sys
from spoolq.waiting.watch import WatchUnavailable, subscribe, _observer_class
_observer_class()   # its import wants descriptors too
lowest = os.open(os.devnull, os.O_RDONLY)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, lowest))
try: subscribe(sys.argv[1], print)
except WatchUnavailable as error: print(error)
"""
    done = run_python(program, str(directory))
    assert "no inotify instance left" in done.stdout
    assert done.stderr == ""


def test_a_signal_handler_may_close_what_others_hold(directory: Path) -> None:
    """Main-thread handlers run in the middle of anything, also of a subscribe or a close."""
    kept: list[Subscription] = []
    rounds = []

    def handler(_number: int, _frame: object) -> None:
        rounds.append(len(kept))
        while kept:
            kept.pop().close()

    previous = signal.signal(signal.SIGUSR1, handler)
    over = threading.Event()

    def interrupt() -> None:
        while not over.wait(0.001):
            os.kill(os.getpid(), signal.SIGUSR1)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    try:
        while len(rounds) < 200:
            told: Told[str | None] = queue.SimpleQueue()
            name = f"job-{len(rounds)}"
            mine = subscribe(str(directory), told.put)
            kept.append(subscribe(str(directory), lambda _name: None))
            arrive(directory, name)
            until(told, name)  # whatever was closed meanwhile, this one was not
            mine.close()
    finally:
        over.set()
        interrupter.join()
        signal.signal(signal.SIGUSR1, previous)
    while kept:
        kept.pop().close()
    eventually(lambda: not hub._hubs, what="no hub left")
    assert inotify_instances() == 0
