"""A result whose rename was refused once is found by readers and survives the sweep."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_tidy

from spoolq.queue import internals
from spoolq.verbs import sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.mark.guarantee("I4")
@pytest.mark.parametrize("first", ["reader", "sweep"])
@pytest.mark.parametrize("refused", [".result", ".end"])
def test_result_whose_rename_was_refused_once_is_not_lost(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch, refused: str, first: str
) -> None:
    spool = make_spool(sweep_seconds=0)
    fs = internals(spool).fs
    rename = fs.rename

    def refusing(source: str, target: str) -> None:
        if target.endswith(refused):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), source)
        rename(source, target)

    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    with monkeypatch.context() as patched:
        patched.setattr(fs, "rename", refusing)
        job.done(b"result")
    if first == "sweep":
        sweep.sweep_tmp(internals(spool))
    assert spool.result(job_id) == b"result"
    sweep.sweep_tmp(internals(spool))
    assert spool.result(job_id) == b"result"
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I6")
@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize("left", [b"of a done that was lost", b""])
def test_result_of_a_done_that_a_power_loss_undid_is_nobodys(
    make_spool: Callable[..., Spool], left: bytes, attempt: int
) -> None:
    spool = make_spool()
    spool.publish(b"task")
    if attempt == 2:
        spool.get_job(timeout=0).fail("no", delay=0)
    job = spool.get_job(timeout=0)
    Path(spool.path, "done", f"{job.id}.result").write_bytes(left)
    job.done()
    assert spool.result(job.id) is None


@pytest.mark.guarantee("I6")
def test_result_without_any_record_is_nobodys(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool()
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.done()
    Path(spool.path, "done", f"{job.id}.result").write_bytes(bytes(23))
    assert spool.result(job.id) is None


@pytest.mark.guarantee("I6")
def test_result_that_a_power_loss_filled_with_zeros_is_not_shown(
    make_spool: Callable[..., Spool],
) -> None:
    # The simulator's seed 100618: size and record are right, the bytes never came to the disk.
    spool = make_spool(durability="publish")
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    job.done(b"result")
    Path(spool.path, "done", f"{job.id}.result").write_bytes(bytes(6))
    assert spool.get(job.id).outcome == "done"
    assert spool.result(job.id) is None


@pytest.mark.guarantee("I6")
def test_result_and_its_record_placed_between_two_looks_are_found(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool()
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    fs = internals(spool).fs
    job.done(b"result")
    done = Path(spool.path, "done")
    hidden = Path(spool.path, "hidden")
    (done / f"{job.id}.end").rename(hidden)
    read = fs.read_record

    def placed_meanwhile(name: str, limit: int) -> bytes:
        if name.endswith(".result") and hidden.exists():
            hidden.rename(done / f"{job.id}.end")
        return read(name, limit)

    monkeypatch.setattr(fs, "read_record", placed_meanwhile)
    assert spool.result(job.id) == b"result"


@pytest.mark.guarantee("I4")
@pytest.mark.parametrize("refused", [".result", ".end"])
def test_drafts_that_cannot_be_placed_are_synced_by_name_before_done_returns(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    # The simulator's seed 103852: then the power failed, and the draft's name was lost.
    spool = make_spool(durability="full")
    fs = internals(spool).fs
    rename, sync = fs.rename, fs.sync_directory
    synced = []

    def refusing(source: str, target: str) -> None:
        if target.endswith(refused):
            raise OSError(errno.EIO, os.strerror(errno.EIO), source)
        rename(source, target)

    def syncing(name: str) -> None:
        synced.append(name)
        sync(name)

    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    monkeypatch.setattr(fs, "rename", refusing)
    monkeypatch.setattr(fs, "sync_directory", syncing)
    job.done(b"result")
    assert {"sys/tmp", "done"} <= set(synced)
