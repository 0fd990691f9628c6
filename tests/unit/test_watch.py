"""Watching a directory: who is told, when it ends, and that nothing is left behind."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import run_python
from support.waits import eventually

from spoolq import Spool
from spoolq.waiting import hub, rest, watch
from spoolq.waiting.watch import WatchUnavailable, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchdog.observers.api import EventQueue

    from spoolq.waiting.watch import Subscription

LINUX = sys.platform == "linux"
linux_only = pytest.mark.skipif(not LINUX, reason="inotify is Linux's")

SECONDS = 20.0  # more than any machine needs; a test that fails waits this long


class Names:
    """A receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __call__(self, name: str | None) -> None:
        self.told.put(name)

    def next(self) -> str | None:
        return self.told.get(timeout=SECONDS)

    def until(self, name: str | None) -> list[str | None]:
        """What was told up to and with `name`."""
        told = [self.next()]
        while told[-1] != name:
            told.append(self.next())
        return told


@pytest.fixture(params=["arrivals", "stock"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test twice: on Linux's own observer, and on watchdog's as on other platforms."""
    if request.param == "stock":
        monkeypatch.setattr(watch, "_observer_class", watch._stock_observer_class)
    elif not LINUX:
        pytest.skip("inotify is Linux's")
    return str(request.param)


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "ready").mkdir()
    return tmp_path / "ready"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """However a test went about it: once all is closed, no thread and no hub remains."""
    watch._observer_class()  # watchdog 7.0.0 starts a thread of its own when it is imported
    before = set(threading.enumerate())
    yield
    eventually(lambda: not hub._hubs, what="no hub left")
    eventually(lambda: set(threading.enumerate()) <= before, what="no thread left")


def arrive(directory: Path, name: str) -> None:
    """Rename a file in, as publish does."""
    made = directory.parent / f"tmp-{name}"
    made.write_bytes(b"")
    made.rename(directory / name)


def open_files() -> list[str]:
    return sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in open_numbers())


def open_numbers() -> list[str]:
    listed = os.listdir("/proc/self/fd")
    return [fd for fd in listed if os.path.lexists(f"/proc/self/fd/{fd}")]  # without the listing's


def inotify_instances(files: list[str]) -> int:
    return sum("inotify" in target for target in files)


# -- who is told ---------------------------------------------------------------------------------


def test_a_file_renamed_in_is_told_by_its_name(kind: str, directory: Path, names: Names) -> None:
    subscription = subscribe(str(directory), names)
    arrive(directory, "job-1")
    assert names.next() == "job-1"
    subscription.close()


def test_a_file_created_is_told(kind: str, directory: Path, names: Names) -> None:
    subscription = subscribe(str(directory), names)
    (directory / "made-here").write_bytes(b"")
    assert names.next() == "made-here"
    subscription.close()


def test_departures_changes_and_directories_are_not_told(
    kind: str, directory: Path, names: Names
) -> None:
    arrive(directory, "old")
    subscription = subscribe(str(directory), names)
    (directory / "subdirectory").mkdir()
    (directory / "old").write_bytes(b"changed")
    (directory / "old").rename(directory.parent / "gone")
    arrive(directory, "last")
    assert names.until("last") == ["last"]
    subscription.close()


@linux_only
def test_names_that_are_not_text_survive(directory: Path, names: Names) -> None:
    subscription = subscribe(str(directory), names)
    raw = b"caf\xe9"
    with open(os.path.join(os.fsencode(directory), raw), "wb"):
        pass
    assert names.next() == os.fsdecode(raw)
    subscription.close()


def test_each_subscriber_is_told_and_only_of_its_directory(
    kind: str, directory: Path, tmp_path: Path
) -> None:
    other = tmp_path / "delayed"
    other.mkdir()
    here_1, here_2, there = Names(), Names(), Names()
    subscriptions = [
        subscribe(str(directory), here_1),
        subscribe(str(directory), here_2),
        subscribe(str(other), there),
    ]
    arrive(directory, "a")
    arrive(other, "b")
    assert (here_1.next(), here_2.next(), there.next()) == ("a", "a", "b")
    for subscription in subscriptions:
        subscription.close()
    assert here_1.told.empty()
    assert here_2.told.empty()
    assert there.told.empty()


def test_a_relative_path_is_the_directory_of_now(
    kind: str, directory: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory.parent)
    subscription = subscribe("ready", names)
    monkeypatch.chdir("/")
    arrive(directory, "job")
    assert names.next() == "job"
    subscription.close()


@linux_only
def test_a_burst_arrives_whole_and_in_order(directory: Path, names: Names) -> None:
    expected: list[str | None] = [f"job-{number:03}" for number in range(500)]
    subscription = subscribe(str(directory), names)
    for name in expected:
        arrive(directory, str(name))
    assert names.until("job-499") == expected
    subscription.close()


@pytest.fixture
def long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rest so long that a test would time out before it ended by itself."""
    monkeypatch.setattr(rest, "REST_SECONDS", 100 * SECONDS)


@linux_only
@pytest.mark.usefixtures("long_rest")
def test_a_burst_while_nobody_waits_is_one_read(
    directory: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spoolq.waiting import arrivals

    reads = []
    read = arrivals.ArrivalObserver.dispatch_events

    def counted(self: arrivals.ArrivalObserver, events: EventQueue) -> None:
        read(self, events)
        reads.append(events)

    monkeypatch.setattr(arrivals.ArrivalObserver, "dispatch_events", counted)
    subscription = subscribe(str(directory), names)
    burst = [f"job-{number}" for number in range(100)]
    for name in burst:
        arrive(directory, name)
    with subscription.rest.skipped():
        assert names.until(burst[-1]) == burst
    eventually(lambda: len(reads) == 1, what="the read is counted")
    subscription.close()


@linux_only
@pytest.mark.usefixtures("long_rest")
def test_who_waits_is_told_at_once_every_time(directory: Path, names: Names) -> None:
    subscription = subscribe(str(directory), names)
    for number in range(20):
        with subscription.rest.skipped():
            arrive(directory, f"job-{number}")
            assert names.next() == f"job-{number}"
    subscription.close()


@linux_only
@pytest.mark.usefixtures("long_rest")
def test_a_blocked_consumer_is_told_at_once_every_time(spool: Spool) -> None:
    publisher = Spool(spool.path, publish_only=True)

    def is_blocked() -> bool:
        found = spool._consumer._watch.rest
        return found is not None and found.is_skipped

    for number in range(5):
        taken: queue.SimpleQueue[bytes] = queue.SimpleQueue()

        def take(told: Callable[[bytes], None] = taken.put) -> None:
            told(spool.get_job(timeout=10 * SECONDS).task)

        thread = threading.Thread(target=take)
        thread.start()
        eventually(is_blocked, what="a blocked consumer")
        publisher.publish(b"%d" % number)
        assert taken.get(timeout=SECONDS) == b"%d" % number
        thread.join()
    spool.close()


@linux_only
def test_wakes_are_not_held_back_while_tasks_are_claimed(directory: Path, names: Names) -> None:
    """watchdog's own observer takes a quarter of a second here (design: the trap of section 6)."""
    subscription = subscribe(str(directory), names)
    delays = []
    for number in range(40):
        started = time.monotonic()
        arrive(directory, f"job-{number}")
        name = names.next()
        delays.append(time.monotonic() - started)
        (directory / str(name)).rename(directory.parent / f"leased-{number}")
    subscription.close()
    assert sorted(delays)[len(delays) // 4] < 0.2


# -- what is shared, and what is left --------------------------------------------------------------


@linux_only
def test_one_thread_and_one_descriptor_for_all(directory: Path, tmp_path: Path) -> None:
    files, threads = open_files(), threading.active_count()
    other = tmp_path / "delayed"
    other.mkdir()
    subscriptions = [
        subscribe(str(path), Names()) for path in [directory, other] * 5 for _ in range(5)
    ]
    assert threading.active_count() == threads + 1
    assert len(open_files()) == len(files) + 1
    assert inotify_instances(open_files()) == inotify_instances(files) + 1
    for subscription in subscriptions:
        subscription.close()
    eventually(lambda: threading.active_count() == threads, what="the thread has ended")
    assert open_files() == files


@linux_only
def test_one_kernel_watch_for_a_directory_whatever_its_path(
    directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(directory)
    first, second = Names(), Names()
    subscriptions = [subscribe(str(directory), first), subscribe(str(tmp_path / "link"), second)]
    assert kernel_watches() == 1
    arrive(directory, "job")
    assert (first.next(), second.next()) == ("job", "job")
    subscriptions[0].close()
    arrive(directory, "next")
    assert second.next() == "next"
    assert first.told.empty()
    subscriptions[1].close()


def kernel_watches() -> int:
    """Watches of this process's inotify instances, according to the kernel."""
    return sum(
        Path(f"/proc/self/fdinfo/{fd}").read_text().count("inotify wd:")
        for fd in open_numbers()
        if "inotify" in os.readlink(f"/proc/self/fd/{fd}")
    )


@linux_only
def test_a_directory_nobody_receives_any_more_is_not_watched(
    directory: Path, tmp_path: Path, names: Names
) -> None:
    other = tmp_path / "delayed"
    other.mkdir()
    stays, goes = subscribe(str(directory), names), subscribe(str(other), Names())
    assert kernel_watches() == 2
    goes.close()
    assert kernel_watches() == 1
    arrive(directory, "job")
    assert names.next() == "job"
    stays.close()


@linux_only
def test_the_descriptor_is_not_inherited(directory: Path, names: Names) -> None:
    before = open_numbers()
    subscription = subscribe(str(directory), names)
    [number] = set(open_numbers()) - set(before)
    assert not os.get_inheritable(int(number))
    subscription.close()


def test_it_starts_again_after_the_last_has_closed(kind: str, directory: Path) -> None:
    for round_number in range(5):
        names = Names()
        subscription = subscribe(str(directory), names)
        arrive(directory, f"job-{round_number}")
        assert names.next() == f"job-{round_number}"
        subscription.close()


# -- closing -------------------------------------------------------------------------------------


def test_closed_means_told_no_more(kind: str, directory: Path) -> None:
    closed, stays = Names(), Names()
    subscription, other = subscribe(str(directory), closed), subscribe(str(directory), stays)
    assert subscription.active
    subscription.close()
    subscription.close()
    assert not subscription.active
    arrive(directory, "job")
    assert stays.next() == "job"
    assert closed.told.empty()
    other.close()
    other.close()


def test_a_receiver_may_close_itself(kind: str, directory: Path, names: Names) -> None:
    subscriptions: list[Subscription] = []

    def once(name: str | None) -> None:
        subscriptions[0].close()
        names(name)

    subscriptions.append(subscribe(str(directory), once))
    arrive(directory, "job")
    assert names.next() == "job"
    assert not subscriptions[0].active


@linux_only
def test_a_receiver_may_subscribe_and_close_others(
    directory: Path, tmp_path: Path, names: Names
) -> None:
    other = tmp_path / "delayed"
    other.mkdir()
    made: queue.SimpleQueue[Subscription] = queue.SimpleQueue()
    second = subscribe(str(other), Names())

    def move_over(_name: str | None) -> None:
        second.close()
        made.put(subscribe(str(other), names))

    first = subscribe(str(directory), move_over)
    arrive(directory, "job")
    third = made.get(timeout=SECONDS)
    first.close()
    arrive(other, "moved")
    assert names.next() == "moved"
    third.close()


def test_close_does_not_wait_for_a_receiver_that_waits_for_the_closer(
    kind: str, directory: Path, names: Names
) -> None:
    held, entered = threading.Lock(), threading.Event()

    def wants_the_lock(name: str | None) -> None:
        entered.set()
        with held:
            names(name)

    subscription = subscribe(str(directory), wants_the_lock)
    with held:
        arrive(directory, "job")
        assert entered.wait(SECONDS)
        subscription.close()
    assert names.next() == "job"


def test_any_thread_may_subscribe_and_close_at_any_time(directory: Path) -> None:
    """Whatever the interleaving: who is subscribed is told, and in the end nothing is left."""
    failures: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def come_and_go(number: int) -> None:
        try:
            for round_number in range(40):
                names = Names()
                subscription = subscribe(str(directory), names)
                name = f"{number}-{round_number}"
                arrive(directory, name)
                names.until(name)
                subscription.close()
        except BaseException as error:
            failures.put(error)

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures.empty(), failures.get()


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_failing_receiver_is_logged_and_harms_nobody(
    kind: str, directory: Path, names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_name: str | None) -> None:
        raise ValueError("not today")

    bad, good = subscribe(str(directory), fails), subscribe(str(directory), names)
    with caplog.at_level(logging.ERROR, "spoolq.waiting"):
        arrive(directory, "one")
        arrive(directory, "two")
        assert names.until("two") == ["one", "two"]
    bad.close()
    good.close()
    assert {record.name for record in caplog.records} == {"spoolq.waiting"}
    assert "not today" in caplog.text


@pytest.mark.parametrize("end", ["removed", "moved"])
@linux_only
def test_the_end_of_the_directory_is_told(directory: Path, names: Names, end: str) -> None:
    subscription = subscribe(str(directory), names)
    if end == "removed":
        directory.rmdir()
    else:
        directory.rename(directory.parent / "elsewhere")
    assert names.next() is None
    eventually(lambda: not hub._hubs, what="the observer has ended with its last directory")
    assert not subscription.active
    subscription.close()
    assert names.told.empty()


@linux_only
def test_a_directory_made_anew_can_be_watched_anew(
    directory: Path, tmp_path: Path, names: Names
) -> None:
    other = tmp_path / "delayed"
    other.mkdir()
    keeps_the_observer = subscribe(str(other), Names())
    subscribe(str(directory), names)
    directory.rmdir()
    assert names.next() is None
    directory.mkdir()
    again = subscribe(str(directory), names)
    arrive(directory, "job")
    assert names.next() == "job"
    again.close()
    keeps_the_observer.close()


def test_the_end_of_the_directory_is_told_by_the_stock_observer(
    directory: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_observer_class", watch._stock_observer_class)
    subscription = subscribe(str(directory), names)
    directory.rmdir()
    assert names.next() is None
    subscription.close()


@linux_only
def test_an_overflow_is_told_as_none_and_goes_by(
    directory: Path, names: Names, capfd: pytest.CaptureFixture[str]
) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 200_000:
        pytest.skip(f"the kernel here queues {limit} events")
    entered, go_on = threading.Event(), threading.Event()

    def stuck_at_first(name: str | None) -> None:
        entered.set()
        assert go_on.wait(60)
        names(name)

    subscription = subscribe(str(directory), stuck_at_first)
    arrive(directory, "file-0")
    assert entered.wait(SECONDS)
    source = str(directory / "file-0")
    for number in range(1, limit + 2000):  # names differ, or the kernel makes one event of two
        target = str(directory / f"file-{number}")
        os.rename(source, target)
        source = target
    go_on.set()
    assert None in names.until(None)
    assert subscription.active
    arrive(directory, "after")
    names.until("after")
    subscription.close()
    assert capfd.readouterr() == ("", "")


def test_a_directory_that_is_not_there(kind: str, tmp_path: Path, names: Names) -> None:
    with pytest.raises(WatchUnavailable, match="nowhere: no such directory"):
        subscribe(str(tmp_path / "nowhere"), names)


def test_a_file_is_not_a_directory(kind: str, tmp_path: Path, names: Names) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WatchUnavailable, match="no such directory"):
        subscribe(str(tmp_path / "file"), names)


@linux_only
@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.ENOSPC, "max_user_watches"),
        (errno.EACCES, "Permission denied"),
        (errno.ENOENT, "No such file"),
    ],
)
def test_a_refused_watch_tells_why_and_leaves_nothing(
    directory: Path, names: Names, monkeypatch: pytest.MonkeyPatch, code: int, text: str
) -> None:
    from spoolq.waiting import arrivals

    files = open_files()
    monkeypatch.setattr(arrivals, "inotify_add_watch", refusing(code))
    with pytest.raises(WatchUnavailable, match=text):
        subscribe(str(directory), names)
    assert open_files() == files


@linux_only
@pytest.mark.parametrize(
    ("code", "text"), [(errno.EMFILE, "max_user_instances"), (errno.ENOSYS, "no inotify")]
)
def test_a_refused_instance_tells_why(
    directory: Path, names: Names, monkeypatch: pytest.MonkeyPatch, code: int, text: str
) -> None:
    from spoolq.waiting import arrivals

    monkeypatch.setattr(arrivals, "inotify_init", refusing(code))
    with pytest.raises(WatchUnavailable, match=text):
        subscribe(str(directory), names)


def refusing(code: int) -> Callable[..., int]:
    """A system call that fails with this error."""

    def call(*_arguments: object) -> int:
        ctypes.set_errno(code)
        return -1

    return call


@linux_only
def test_a_refusal_does_not_disturb_who_is_subscribed(
    directory: Path, tmp_path: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spoolq.waiting import arrivals

    subscription = subscribe(str(directory), names)
    with monkeypatch.context() as patch:
        patch.setattr(arrivals, "inotify_add_watch", refusing(errno.ENOSPC))
        with pytest.raises(WatchUnavailable):
            subscribe(str(tmp_path), Names())
    arrive(directory, "job")
    assert names.next() == "job"
    subscription.close()


@linux_only
def test_no_thread_to_be_had(
    directory: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spoolq.waiting import arrivals

    def none_left(_self: object) -> None:
        raise RuntimeError("can't start new thread")

    files = open_files()
    monkeypatch.setattr(arrivals.ArrivalObserver, "start", none_left)
    with pytest.raises(WatchUnavailable, match="can't start new thread"):
        subscribe(str(directory), names)
    assert open_files() == files


@linux_only
def test_an_observer_that_breaks_says_so_and_the_next_works(
    directory: Path,
    names: Names,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from spoolq.waiting import arrivals

    def broken(_self: object, *_event: object) -> None:
        raise OSError("a read that fails")

    subscription = subscribe(str(directory), names)
    with monkeypatch.context() as patch:
        patch.setattr(arrivals.ArrivalObserver, "_hand_on", broken)
        arrive(directory, "job")
        assert names.next() is None
    assert not subscription.active
    assert "a read that fails" in caplog.text
    again = subscribe(str(directory), names)
    arrive(directory, "next")
    assert names.next() == "next"
    again.close()


# -- watchdog as an import -------------------------------------------------------------------------


def test_importing_does_not_import_watchdog() -> None:
    program = (
        "import sys, spoolq.waiting.watch\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'watchdog'])"
    )
    assert run_python(program).stdout == "[]\n"


def test_without_watchdog_it_is_unavailable(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['watchdog'] = None\n"
        "from spoolq.waiting.watch import WatchUnavailable, subscribe\n"
        "try: subscribe(sys.argv[1], print)\n"
        "except WatchUnavailable as error: print(error)\n"
    )
    done = run_python(program, str(tmp_path))
    assert done.stdout.startswith("watchdog cannot be used: ")
    assert done.stderr == ""


@linux_only
def test_a_watchdog_whose_inotify_calls_have_moved_is_used_as_it_is(tmp_path: Path) -> None:
    program = (
        "import os, queue, sys\n"
        "sys.modules['spoolq.waiting.arrivals'] = None  # importing it fails\n"
        "from spoolq.waiting.watch import subscribe\n"
        "told = queue.SimpleQueue()\n"
        "subscription = subscribe(sys.argv[1], told.put)\n"
        "open(os.path.join(sys.argv[1], 'job'), 'w').close()\n"
        "print(told.get(timeout=20))\n"
    )
    done = run_python(program, str(tmp_path))
    assert (done.stdout, done.stderr) == ("job\n", "")
