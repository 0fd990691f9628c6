"""The observer's rest: taken while nobody waits, over as soon as somebody does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from support.waits import eventually

from spoolq.waiting import rest as resting
from spoolq.waiting.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30.0


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rest]:
    """One so long that a test would time out before it ended by itself."""
    monkeypatch.setattr(resting, "REST_SECONDS", 10 * SECONDS)
    rest = Rest()
    yield rest
    rest.end()


def taken(rest: Rest) -> threading.Thread:
    """A thread that takes a rest."""
    thread = threading.Thread(target=rest.take, daemon=True)
    thread.start()
    return thread


def is_over(thread: threading.Thread) -> bool:
    thread.join(SECONDS)
    return not thread.is_alive()


def test_rest_ends_when_somebody_begins_to_wait(rest: Rest) -> None:
    thread = taken(rest)
    with rest.skipped():
        assert rest.is_skipped
        assert is_over(thread)
    assert not rest.is_skipped


def test_there_is_none_while_somebody_waits(rest: Rest) -> None:
    with rest.skipped(), rest.skipped():
        for _ in range(3):
            assert is_over(taken(rest))


def test_one_that_is_ended_before_it_begins_is_over_and_the_next_is_taken(rest: Rest) -> None:
    rest.end()
    rest.end()
    assert is_over(taken(rest))
    assert rest._gate.locked(), "two ends, and no rest in between, are one"
    thread = taken(rest)
    rest.end()
    assert is_over(thread)


def test_whoever_ends_waiting_by_an_error_waits_no_more(rest: Rest) -> None:
    with pytest.raises(KeyboardInterrupt), rest.skipped():
        raise KeyboardInterrupt
    assert not rest.is_skipped


def test_threads_that_begin_and_end_at_once_leave_nobody_waiting(rest: Rest) -> None:
    begin = threading.Barrier(8)

    def wait_often() -> None:
        begin.wait()
        for _ in range(500):
            with rest.skipped():
                pass

    threads = [threading.Thread(target=wait_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: not rest.is_skipped)
