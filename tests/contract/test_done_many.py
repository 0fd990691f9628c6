"""done_many: each as `done` would end it, under one sync; what goes wrong with one harms no other."""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound, assert_spool_tidy, names

from spoolq import JobStatus, LeaseLost, StorageError
from spoolq.holding.renewing import renew_together
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spoolq import Spool


@pytest.fixture
def full(make_spool: Callable[..., Spool]) -> Spool:
    """A spool that syncs all."""
    return make_spool(durability="full")


@pytest.mark.guarantee("I4")
def test_all_are_done_and_nothing_is_left(full: Spool) -> None:
    ids = full.publish_many([b"task"] * 5)
    jobs = full.get_jobs(5, 0)
    full.done_many(iter(jobs))
    assert [full.get(job_id).outcome for job_id in ids] == ["done"] * 5
    assert sorted(names(full.path, "done")) == ids, "no records, as none has anything to tell"
    assert_spool_tidy(full.path)
    full.done_many(jobs)
    full.done_many([])


@pytest.mark.guarantee("I4", "I5")
def test_one_that_was_lost_is_told_of_and_the_others_are_done(
    full: Spool, open_again: Callable[..., Spool]
) -> None:
    full.publish_many([b"task"] * 3)
    first, lost, last = full.get_jobs(3, 0)
    other = open_again(full)
    other.leased_job(lost.name).fail("taken away", delay=0)
    again = other.get_job(0)
    assert again.id == lost.id
    with pytest.raises(LeaseLost, match=lost.id):
        full.done_many([first, lost, last])
    assert [job.lost for job in (first, lost, last)] == [False, True, False]
    assert [full.get(job.id).outcome for job in (first, last)] == ["done", "done"]
    assert full.get(lost.id).status is JobStatus.PROCESSING
    assert_spool_sound(full.path)


@pytest.mark.guarantee("I4")
def test_one_that_another_has_ended_is_a_quiet_success(
    full: Spool, open_again: Callable[..., Spool]
) -> None:
    full.publish_many([b"task"] * 3)
    jobs = full.get_jobs(3, 0)
    open_again(full).cancel(jobs[1].id)
    full.done_many(jobs)
    assert [full.get(job.id).outcome for job in jobs] == ["done", "cancelled", "done"]
    assert_spool_tidy(full.path)


def test_one_that_its_holder_gave_back_is_told_of_and_the_others_are_done(full: Spool) -> None:
    full.publish_many([b"task"] * 3)
    jobs = full.get_jobs(3, 0)
    jobs[0].release()
    with pytest.raises(LeaseLost, match="released"):
        full.done_many(jobs)
    assert [full.get(job.id).status.name for job in jobs] == ["READY", "DONE", "DONE"]
    assert_spool_sound(full.path)


@pytest.mark.guarantee("I4")
def test_one_at_a_later_attempt_leaves_its_record(full: Spool) -> None:
    full.publish_many([b"task"] * 2)
    full.get_job(0).fail("once more", delay=0)
    jobs = [full.get_job(30), full.get_job(30)]
    assert sorted(job.attempt for job in jobs) == [1, 2]
    full.done_many(jobs)
    again = next(job for job in jobs if job.attempt == 2)
    assert set(names(full.path, "done")) == {*(job.id for job in jobs), f"{again.id}.end"}


@pytest.mark.guarantee("I4")
def test_where_the_sync_is_refused_no_job_is_told_as_done(
    full: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.publish_many([b"task"] * 2)
    jobs = full.get_jobs(2, 0)
    fs = internals(full).fs
    sync, told = fs.sync_directory, list[str]()

    def refusing(name: str) -> None:
        told.append(name)
        if len(told) == 1:
            raise OSError(errno.EIO, "refused", name)
        sync(name)

    monkeypatch.setattr(fs, "sync_directory", refusing)
    with pytest.raises(StorageError, match="refused"):
        full.done_many(jobs)
    assert "done" not in repr(jobs[0])
    full.done_many(jobs)
    assert told.count("done") >= 2, "what the first try renamed is synced by the second"
    assert_spool_tidy(full.path)


@pytest.mark.guarantee("I4")
def test_where_a_rename_is_refused_those_before_it_are_done_for_good(
    full: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.publish_many([b"task"] * 3)
    jobs = full.get_jobs(3, 0)
    fs = internals(full).fs
    rename, synced = fs.rename, list[str]()

    def refusing(source: str, target: str) -> None:
        if source.endswith(jobs[1].name):
            raise OSError(errno.EIO, "refused", source)
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(fs, "rename", refusing)
        patched.setattr(fs, "sync_directory", synced.append)
        with pytest.raises(StorageError, match="refused"):
            full.done_many(jobs)
    assert synced == ["done"]
    assert [full.get(job.id).status.name for job in jobs] == ["DONE", "PROCESSING", "PROCESSING"]
    full.done_many(jobs)
    assert_spool_tidy(full.path)


@pytest.mark.guarantee("I5")
def test_no_job_is_taken_for_lost_by_a_renewal_in_between(
    full: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.publish_many([b"task"] * 2)
    jobs = full.get_jobs(2, 0)
    fs = internals(full).fs
    sync, renewed = fs.sync_directory, list[object]()

    def renewing(name: str) -> None:
        thread = threading.Thread(target=lambda: renewed.append(renew_together(jobs, 60.0)))
        thread.start()
        thread.join()
        sync(name)

    monkeypatch.setattr(fs, "sync_directory", renewing)
    full.done_many(jobs)
    assert renewed == [[]]
    assert [job.lost for job in jobs] == [False, False]


@pytest.mark.guarantee("I4")
def test_threads_that_end_the_same_jobs_in_other_orders_do_not_wait_for_each_other(
    spool: Spool,
) -> None:
    spool.publish_many([b"task"] * 40)
    jobs = spool.get_jobs(40, 0)
    begin = threading.Barrier(4)

    def end(chosen: list[object]) -> None:
        begin.wait()
        spool.done_many(chosen)  # type: ignore[arg-type]

    orders = (jobs, jobs[::-1], jobs[20:] + jobs[:20], jobs[::2] + jobs[1::2])
    threads = [threading.Thread(target=end, args=(order,), daemon=True) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(names(spool.path, "done")) == 40
    assert_spool_tidy(spool.path)


def test_jobs_of_several_spools_end_each_in_its_own(
    tmp_path: Path, make_spool: Callable[..., Spool]
) -> None:
    spools = [make_spool(name, durability="full") for name in ("one", "two")]
    jobs = []
    for spool in spools:
        spool.publish(b"task")
        jobs.append(spool.get_job(0))
    spools[0].done_many(jobs)
    assert [len(names(str(tmp_path / name), "done")) for name in ("one", "two")] == [1, 1]


def test_ended_jobs_are_in_the_journal_once(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(journal_seconds=3600)
    ids = spool.publish_many([b"task"] * 3)
    jobs = spool.get_jobs(3, 0)
    spool.done_many([*jobs, *jobs])
    spool.close()
    told = "".join(_journal(spool))
    assert [told.count(f'"{job_id}"') for job_id in ids] == [1, 1, 1]


def _journal(spool: Spool) -> Iterator[str]:
    for name in names(spool.path, "sys/journal"):
        with open(f"{spool.path}/sys/journal/{name}", encoding="utf-8") as file:
            yield file.read()
