"""Quotas: more than may wait is refused, or waits for room; and a warning before the disk is full."""

from __future__ import annotations

import logging
import pickle
import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import census

from spoolq import Closed, Full, InvalidSetting
from spoolq.disk import room
from spoolq.holding import intake
from spoolq.queue import internals
from spoolq.rules.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_more_than_may_wait_is_refused_and_nothing_is_stored(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(max_waiting=3)
    spool.publish_many([b""] * 2)
    spool.publish(b"", delay=3600)
    with pytest.raises(Full, match="max_waiting=3") as caught:
        spool.publish(b"")
    assert isinstance(caught.value, queue.Full)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(Full):
        spool.publish_many([b""])
    assert sum(census(spool.path).values()) == 3


def test_a_batch_goes_in_whole_or_not_at_all(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(max_waiting=3)
    spool.publish(b"")
    with pytest.raises(Full):
        spool.publish_many([b""] * 3)
    assert census(spool.path)["ready"] == 1
    spool.publish_many([b""] * 2)
    assert census(spool.path)["ready"] == 3


def test_bytes_that_wait_are_bounded(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(max_bytes=1000)
    spool.publish(b"x" * 600)
    with pytest.raises(Full, match="max_bytes=1000"):
        spool.publish(b"x" * 401)
    assert census(spool.path)["ready"] == 1
    spool.publish(b"x" * 400)
    assert census(spool.path)["ready"] == 2


def test_what_never_fits_is_refused_however_long_one_would_wait(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(max_waiting=2, max_bytes=100)
    with pytest.raises(Full, match="at once"):
        spool.publish_many([b""] * 3, timeout=None)
    with pytest.raises(Full, match="at once"):
        spool.publish(b"x" * 101, timeout=None)
    assert census(spool.path)["ready"] == 0


def test_taking_a_job_makes_room(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(max_waiting=1)
    spool.publish(b"")
    with pytest.raises(Full):
        spool.publish(b"", timeout=0.01)
    spool.get_job(timeout=0)
    spool.publish(b"", timeout=30)  # as soon as the next count shows it


def test_publishers_of_other_processes_are_counted(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    spool = make_spool(max_waiting=2)
    other = open_again(spool)
    spool.publish_many([b""] * 2)
    with pytest.raises(Full, match="max_waiting=2"):
        other.publish(b"")
    assert census(spool.path)["ready"] == 2


def test_waiting_for_room_ends_when_there_is_some(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    spool = make_spool(max_waiting=1)
    spool.publish(b"first")
    ids: list[str] = []
    waiter = threading.Thread(target=lambda: ids.append(spool.publish(b"second", timeout=60)))
    waiter.start()
    open_again(spool).get_job(timeout=0).done()
    waiter.join(timeout=60)
    assert len(ids) == 1
    assert spool.get_job(timeout=10).id == ids[0]


def test_closing_wakes_who_waits_for_room(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(max_waiting=1)
    spool.publish(b"first")
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            spool.publish(b"second", timeout=None)
        except BaseException as error:
            ended.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    spool.close()
    waiter.join(timeout=60)
    assert [type(error) for error in ended] == [Closed]


def test_a_key_that_is_held_needs_no_room(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(max_waiting=1)
    job_id = spool.publish(b"", key="nightly")
    assert spool.publish(b"", key="nightly") == job_id
    with pytest.raises(Full):
        spool.publish(b"", key="another")


def test_waiting_jobs_are_not_listed_for_each_publish(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool(max_waiting=1000)
    listed: list[str] = []
    inside = internals(spool)
    real = inside.fs.iterate
    monkeypatch.setattr(inside.fs, "iterate", lambda name: listed.append(name) or real(name))
    monkeypatch.setattr(spool._intake._quota, "_local", lambda: 1000.0)
    for _ in range(500):
        spool.publish(b"")
    assert sorted(listed) == ["delayed", "ready"]


def test_bytes_of_very_many_are_estimated_from_a_thousand(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    from spoolq.verbs import waiting_size

    monkeypatch.setattr(waiting_size, "MOST_LOOKS", 10)
    spool = make_spool()
    spool.publish_many([b"x" * 50] * 95)
    assert waiting_size.waiting(internals(spool), with_sizes=True) == (95, 95 * 50)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
def test_timeout_that_makes_no_sense_is_refused(spool: Spool, timeout: Any) -> None:
    with pytest.raises(InvalidSetting):
        spool.publish(b"", timeout=timeout)
    assert census(spool.path)["ready"] == 0


def test_publishing_warns_before_the_disk_is_full(
    make_spool: Callable[..., Spool],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(room, "room_of", lambda path: Room(10**9, 10**12, 10**6, 10**7))
    monkeypatch.setattr(intake, "ROOM_SECONDS", 0.0)
    spool = make_spool()
    with caplog.at_level(logging.WARNING, logger="spoolq.intake"):
        spool.publish(b"")
    assert "nearly full: 0.1% of the bytes" in caplog.text
    assert census(spool.path)["ready"] == 1
