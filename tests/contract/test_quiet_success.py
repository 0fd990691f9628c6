"""Who is told that a job has ended, by whomever, can rely on it: after a power loss too."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import names

from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.fixture
def spool(make_spool: Callable[..., Spool]) -> Spool:
    return make_spool(durability="full")


@pytest.fixture
def synced(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that were synced, one after the other."""
    fs = internals(spool).fs
    sync, told = fs.sync_directory, list[str]()

    def syncing(name: str) -> None:
        told.append(name)
        sync(name)

    monkeypatch.setattr(fs, "sync_directory", syncing)
    return told


def end_unsynced(spool: Spool, leased: str, ended: str) -> None:
    """Another process has ended the job, and has not come to the sync yet."""
    os.rename(Path(spool.path, "leased", leased), Path(spool.path, ended))


@pytest.mark.guarantee("I4")
@pytest.mark.parametrize("ended", ["done/{}", "done/{}.cancelled"])
def test_done_of_a_job_that_another_has_ended_syncs_that(
    spool: Spool, synced: list[str], ended: str
) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    end_unsynced(spool, job.name, ended.format(job.id))
    del synced[:]
    job.done()
    assert "done" in synced


@pytest.mark.guarantee("I4")
@pytest.mark.parametrize("state", ["done", "failed"])
def test_cancel_of_a_job_that_another_has_ended_syncs_that(
    spool: Spool, synced: list[str], state: str
) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    end_unsynced(spool, job.name, f"{state}/{job.id}")
    del synced[:]
    assert spool.cancel(job.id).outcome == state
    assert state in synced


@pytest.mark.guarantee("I4")
def test_done_that_was_done_and_reported_an_error_keeps_its_result_when_tried_again(
    spool: Spool, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The simulator's seed 104634: the result stayed in sys/tmp/, under a name that nobody synced.
    fs = internals(spool).fs
    rename = fs.rename

    def done_and_refused(source: str, target: str) -> None:
        rename(source, target)
        if source.startswith("leased/"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), source)

    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    with monkeypatch.context() as patched:
        patched.setattr(fs, "rename", done_and_refused)
        with pytest.raises(OSError, match="Input/output"):
            job.done(b"result")
    del synced[:]
    job.done(b"result")
    assert synced[-1] == "done"
    assert f"{job.id}.result" in names(spool.path, "done")
    assert spool.result(job.id) == b"result"
