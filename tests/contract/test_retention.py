"""Retention by number and size, and consumers that prune in passing."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import census, everything_under, names

from spoolq.holding.pruning import MARK, Pruning
from spoolq.queue import internals
from spoolq.verbs import prune
from spoolq.verbs.context import OpenSpool

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def done(spool: Spool, published_ago: float, result: bytes | None = None) -> str:
    """A job that was published so many seconds ago and is done."""
    inside = internals(spool)
    job_id = inside.new_id(5, options=False, now=inside.clock.now() - published_ago)
    Path(spool.path, "done", job_id).write_bytes(b"task")
    if result is not None:
        Path(spool.path, "done", f"{job_id}.result").write_bytes(result)
    inside._last_microsecond = 0
    return job_id


def kept(spool: Spool) -> set[str]:
    return {name for name in names(spool.path, "done") if "." not in name}


def test_only_so_many_jobs_are_kept_those_published_last(spool: Spool) -> None:
    ids = [done(spool, 100 - 10 * number) for number in range(6)]
    assert spool.prune(keep_jobs=4).removed == 2
    assert kept(spool) == set(ids[2:])
    assert spool.prune(keep_jobs=4).removed == 0


def test_only_so_many_bytes_are_kept_results_included(spool: Spool) -> None:
    ids = [done(spool, 100 - 10 * number, b"r" * 996) for number in range(6)]
    assert spool.prune(keep_bytes=3000).removed == 3
    assert kept(spool) == set(ids[3:])
    assert len(names(spool.path, "done")) == 6  # their results have gone too


def test_setting_bounds_what_prune_keeps(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(retention_jobs=1)
    ids = [done(spool, 50), done(spool, 20)]
    assert spool.prune().removed == 1
    assert kept(spool) == {ids[1]}


def test_age_given_alone_is_the_only_bound(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(retention_jobs=1)
    for ago in (50, 20):
        done(spool, ago)
    assert spool.prune(older_than_seconds=3600).removed == 0


class Slices:
    """The pruning of one consumer, its time in our hands."""

    def __init__(self, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 5000.0
        self.inside = internals(spool)
        self.inside.clock.sample()
        ahead = time.time() - self.now
        monkeypatch.setattr(self.inside.clock, "local", lambda: self.now)
        monkeypatch.setattr(self.inside.clock, "now", lambda: self.now + ahead)
        monkeypatch.setattr(self.inside.clock, "fresh_now", lambda *_: self.now + ahead)
        self.pruning = Pruning(self.inside)

    def run(self) -> None:
        """What a consumer does when the next slice is due."""
        self.now += max(0.0, self.pruning.seconds_left()) + 0.001
        self.pruning.run()


def test_consumers_prune_in_passing(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool(retention_seconds=0)
    for _ in range(30):
        done(spool, 100)
    slices = Slices(spool, monkeypatch)
    slices.run()
    assert census(spool.path)["done"] == 0
    assert Path(spool.path, MARK).exists()


def test_a_consumer_that_takes_jobs_does_it_by_itself(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spoolq.holding.pruning.FIRST_SECONDS", 0.0)
    spool = make_spool(retention_seconds=0)
    done(spool, 100)
    assert spool.get_jobs(1, timeout=0) == []
    assert census(spool.path)["done"] == 0


def test_a_slice_is_short_and_is_followed_by_a_longer_pause(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool(retention_seconds=0)
    for _ in range(200):
        done(spool, 100)
    slices = Slices(spool, monkeypatch)
    real = prune.discard

    def slow(*args: Any) -> bool:
        slices.now += 0.002  # as a network would
        return real(*args)

    monkeypatch.setattr(prune, "discard", slow)
    counts = []
    while census(spool.path)["done"]:
        before = census(spool.path)["done"]
        slices.run()
        counts.append(before - census(spool.path)["done"])
        assert slices.pruning.seconds_left() >= 0.09
    assert max(counts) <= 6
    assert sum(counts) == 200


def test_while_one_prunes_and_for_a_while_after_others_do_not(
    make_spool: Callable[..., Spool],
    open_again: Callable[..., Spool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make_spool(retention_seconds=3600)
    Slices(first, monkeypatch).run()
    second = Slices(open_again(first), monkeypatch)
    looked: list[str] = []
    real = second.inside.fs.iterate
    monkeypatch.setattr(second.inside.fs, "iterate", lambda name: looked.append(name) or real(name))
    second.now += 2.1
    second.pruning.run()
    assert looked == []
    assert second.pruning.seconds_left() > 60
    os.utime(Path(first.path, MARK), (1, 1))
    second.run()
    assert "done" in looked


@pytest.mark.guarantee("I3")
def test_pruning_in_passing_leaves_all_else_alone(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool(retention_seconds=0)
    for options in ({}, {"delay": 3600}, {"headers": {"a": "b"}, "key": "k"}):
        spool.publish(b"", **options)  # type: ignore[arg-type]
    spool.get_job(timeout=0).fail("for good", retry=False)
    spool.get_job(timeout=0)
    Path(spool.path, "done", "notes.txt").touch()
    before = everything_under(spool.path)
    slices = Slices(spool, monkeypatch)
    slices.run()
    after = everything_under(spool.path)
    assert {name for name in before if not name.startswith("sys/locks")} == {
        name for name in after if not name.startswith("sys/locks")
    }


def test_nothing_of_a_pruned_job_stays(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool(retention_seconds=0)
    job_id = spool.publish(b"", key="k", headers={"a": "b"})
    spool.get_job(timeout=0).fail("at first", delay=0)
    spool.get_job(timeout=0).done(b"result")
    Path(spool.path, "logs", f"{job_id}.1.host-1-ABC.out").touch()
    assert [name for name in everything_under(spool.path) if job_id in name]
    slices = Slices(spool, monkeypatch)
    slices.now += 1
    slices.run()
    assert [name for name in everything_under(spool.path) if job_id in name] == []


def full_disk(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("in_passing", [False, True])
def test_a_full_disk_is_no_reason_not_to_prune(
    make_spool: Callable[..., Spool],
    open_again: Callable[..., Spool],
    monkeypatch: pytest.MonkeyPatch,
    in_passing: bool,
) -> None:
    made = make_spool(retention_seconds=10)
    spool = open_again(made)  # one that has not learnt the server's time yet
    for _ in range(3):
        done(made, 100)
    # What the server stamped last is known to be past, so that much may be gone by.
    later = time.time() + 60
    monkeypatch.setattr(OpenSpool, "stamped_last", lambda _: later)
    for operation in ("create", "create_unstamped", "append", "mkdir"):
        monkeypatch.setattr(internals(spool).fs, operation, full_disk)
    if in_passing:
        pruning = Pruning(internals(spool))
        monkeypatch.setattr(internals(spool).clock, "now", lambda: later)
        pruning.run()
    else:
        assert spool.prune().removed == 3
    assert census(spool.path)["done"] == 0


def test_age_by_the_last_stamp_never_takes_what_is_too_young(
    make_spool: Callable[..., Spool],
    open_again: Callable[..., Spool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = make_spool(retention_seconds=10)
    spool = open_again(made)
    done(made, 100)
    monkeypatch.setattr(internals(spool).fs, "create", full_disk)
    monkeypatch.setattr(internals(spool).fs, "create_unstamped", full_disk)
    assert spool.prune().removed == 0
