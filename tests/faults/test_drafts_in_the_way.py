"""Drafts of end records that a death or an error left in sys/tmp/ are in nobody's way."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_tidy, names
from support.waits import eventually
from support.workers import exit_code, forked

from spoolq import JobStatus, StorageError
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.mark.guarantee("I3")
def test_holder_that_died_while_ending_its_last_attempt_does_not_stop_the_reaper(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=0.3, max_attempts=1, sweep_seconds=0.3)
    last = spool.publish(b"last", priority=0)
    other = spool.publish(b"other", max_attempts=0)

    def die_before_the_rename() -> None:
        job = spool.get_job(timeout=0)
        spool.get_job(timeout=0)
        internals(spool).fs.rename = lambda *_: os._exit(9)  # type: ignore[method-assign]
        job.done(b"result")

    assert exit_code(forked(die_before_the_rename)) == 9
    assert names(spool.path, "sys/tmp") != []
    eventually(lambda: spool.reap() and spool.get(last).status is JobStatus.FAILED)
    assert spool.details(last)["end"]["reason"].startswith("lease expired")
    assert spool.get_job(timeout=20).id == other
    eventually(lambda: spool.reap() and not names(spool.path, "sys/tmp"), what="swept")


@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("ending", ["done", "fail"])
def test_ending_that_was_refused_can_be_tried_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    end = {"done": lambda: job.done(b"result"), "fail": lambda: job.fail("no", retry=False)}[ending]

    def refuse(source: str, target: str) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), source)

    with monkeypatch.context() as patched:
        patched.setattr(internals(spool).fs, "rename", refuse)
        with pytest.raises(StorageError):
            end()
    end()
    assert spool.get(job_id).outcome == {"done": "done", "fail": "failed"}[ending]
    assert_spool_tidy(spool.path)
