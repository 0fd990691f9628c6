"""The Spool object itself: closing, pickling; and that every error pickles."""

from __future__ import annotations

import inspect
import pickle
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.waits import eventually

import spoolq
from spoolq import Closed, LeaseLost, Spool, SpoolqError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def blocked_in(call: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    """A thread inside a blocking call, and the list where its error will be."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


@pytest.mark.parametrize("wait", [None, 60])
def test_close_wakes_all_who_are_blocked(spool: Spool, wait: float | None) -> None:
    pairs = [blocked_in(lambda: spool.get_job(timeout=wait)) for _ in range(3)]
    time.sleep(0.3)  # let them block; if one does not yet, it must see Closed all the same
    start = time.monotonic()
    spool.close()
    for thread, raised in pairs:
        thread.join(10)
        assert [type(error) for error in raised] == [Closed]
    assert time.monotonic() - start < 4.5  # polling would see it after five


def test_closed_spool_refuses_everything_clearly(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.close()
    spool.close()
    for call in (
        lambda: spool.publish(b"task"),
        lambda: spool.publish_many([b"task"]),
        lambda: spool.get_job(timeout=0),
        lambda: spool.get_jobs(1, timeout=0),
        lambda: spool.get(job_id),
        lambda: spool.cancel(job_id),
        lambda: spool.retry(job_id),
        lambda: list(spool.list()),
        spool.stats,
        spool.reap,
        spool.prune,
        spool.pause,
        spool.resume,
    ):
        with pytest.raises(Closed):
            call()


def test_closing_one_spool_leaves_the_others_of_the_process_alone(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    other = open_again(spool)
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(other.get_job(timeout=30).task))
    thread.start()
    with pytest.raises(spoolq.Empty):
        spool.get_job(timeout=0.5)
    spool.close()
    open_again(spool.path).publish(b"task")
    thread.join(10)
    assert got == [b"task"]


def test_job_held_when_its_spool_closes_is_not_lost(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    spool = make_spool(lease_seconds=0.5)
    other = open_again(spool)
    job_id = spool.publish(b"task")
    with spool:
        spool.get_job(timeout=0)
    assert other.get_job(timeout=20).id == job_id


def test_close_leaves_no_threads_and_no_open_files(make_spool: Callable[..., Spool]) -> None:
    import os

    def in_use() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    before = in_use()
    rounds = 8  # more than the observer has that a process may share: it may not grow with them
    for number in range(rounds):
        spool = make_spool(f"spool-{number}", lease_seconds=0.5)
        spool.publish(b"task")
        with spool.get_job(timeout=0):
            pass
        with pytest.raises(spoolq.Empty):
            spool.get_job(timeout=0.2)
        spool.close()
    threads, files = before[0] + rounds // 2, before[1] + rounds // 2
    eventually(lambda: in_use()[0] <= threads and in_use()[1] <= files, what="all let go")


def test_spool_pickles_and_opens_the_same_directory(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    spool.publish(b"task")
    named = open_again(spool, owner="anna")
    for one in (spool, named, open_again(spool, publish_only=True)):
        with pickle.loads(pickle.dumps(one)) as copy:
            assert copy.path == spool.path
            assert copy.stats().ready == 1
    with pickle.loads(pickle.dumps(named)) as copy:
        assert copy.owner == "anna"
    with (
        pickle.loads(pickle.dumps(open_again(spool, publish_only=True))) as copy,
        pytest.raises(spoolq.PublishOnly),
    ):
        copy.get_job(timeout=0)


def errors() -> list[type[SpoolqError]]:
    """Every public error."""
    found = [value for _, value in inspect.getmembers(spoolq, inspect.isclass)]
    return [value for value in found if issubclass(value, SpoolqError)]


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "InvalidSetting": ("lease_seconds", -1, "a number of seconds"),
    "LeaseLost": ("5-x", "host-1-X", "taken"),
    "SpoolqError": ("text",),
    "StorageError": (28, "No space left on device", "/spool/ready/x"),
    "StorageFull": (28, "No space left on device", "/spool/ready/x"),
}


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_every_error_pickles_with_its_facts(kind: type[SpoolqError]) -> None:
    parameters = [
        p
        for p in inspect.signature(kind.__init__).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"
    ]
    error = kind(*ARGUMENTS.get(kind.__name__, tuple(p.name for p in parameters) or ("text",)))
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert copy.args == error.args
    assert isinstance(copy, SpoolqError)
    assert 1 <= kind.exit_code <= 6


def test_errors_are_also_what_python_people_expect(tmp_path: Path, spool: Spool) -> None:
    import queue

    with pytest.raises(queue.Empty):
        spool.get_job(timeout=0)
    with pytest.raises(FileNotFoundError):
        Spool(tmp_path / "nothing")
    with pytest.raises(LookupError):
        spool.retry("5-unknown")
    with pytest.raises(ValueError, match="priority"):
        spool.publish(b"task", priority=77)


def test_lost_lease_says_which_job_and_which_lease(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.release()
    with pytest.raises(LeaseLost) as caught:
        job.fail("late")
    assert (caught.value.job_id, caught.value.lease) == (job_id, job.lease)
    assert job_id in str(caught.value)
    assert caught.value.reason


def test_everything_public_is_exported_and_documented() -> None:
    for name in spoolq.__all__:
        thing = getattr(spoolq, name)
        assert inspect.getdoc(thing), f"{name} has no docstring"
        if inspect.isclass(thing):
            for method, value in inspect.getmembers(thing, inspect.isfunction):
                if not method.startswith("_"):
                    assert inspect.getdoc(value), f"{name}.{method} has no docstring"
