"""Archiving killed before each of its file operations: every job is told of, by done/ or an archive."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import tally
from support.spools import assert_spool_sound

from spoolq import Spool
from spoolq.queue import internals
from spoolq.verbs import archiving

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS = (
    *("create", "create_unstamped", "write", "sync", "close", "rename", "unlink", "mkdir", "rmdir"),
    *("list", "iterate", "read", "read_part", "read_record", "lstat", "sync_directory"),
)
MOST_OPERATIONS = 300
STEP = 3
"""Every third operation of each round; the rounds begin one further each time."""


def archive(spool: Spool) -> None:
    archiving.archive(internals(spool), -1.0)


def killed_at(path: str, last: int) -> bool:
    """Fork, archive, die before operation number `last`: whether it died."""
    child = os.fork()
    if child == 0:
        try:
            left = [last]

            def counting(operation: Callable[..., Any]) -> Callable[..., Any]:
                def counted(*args: Any) -> Any:
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return operation(*args)

                return counted

            spool = Spool(path)
            fs: Any = internals(spool).fs
            for name in OPERATIONS:
                setattr(fs, name, counting(getattr(fs, name)))
            archive(spool)
            os._exit(0)
        except BaseException:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def done_jobs(spool: Spool, number: int) -> dict[str, bytes]:
    """Two plain jobs, and one with all that a job can have; id -> result."""
    ids = spool.publish_many([b"plain"] * 2)
    ids.append(spool.publish(b"rich", key=f"key-{number}", headers={"a": "b"}))
    spool.get_job(0).fail("at first", delay=0)
    results: dict[str, bytes] = {}
    while len(results) < len(ids):
        for job in spool.get_jobs(3, 10):
            results[job.id] = f"result of {job.id}".encode()
            job.done(results[job.id])
    assert results.keys() == set(ids)
    return results


@pytest.mark.guarantee("I3", "I4", "I6")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("begin", range(1, STEP + 1))
def test_every_job_is_told_of_whenever_archiving_was_killed(tmp_path: Path, begin: int) -> None:
    for last in range(begin, MOST_OPERATIONS, STEP):
        path = str(tmp_path / f"{last}")
        settings = {"durability": "off", "journal_seconds": 0, "sweep_seconds": 0.0}
        with Spool.create(path, **settings) as spool:
            results = done_jobs(spool, 1)
            archive(spool)
            results |= done_jobs(spool, 2)
        died = killed_at(path, last)
        tally.fault("real processes killed before a file operation", died)
        with Spool(path) as after:
            for _ in range(2):
                assert {job_id: after.result(job_id) for job_id in results} == results
                assert {after.get(job_id).outcome for job_id in results} == {"done"}
                assert_spool_sound(path)
                archive(after)
            assert len(list(Path(path, "archive").iterdir())) <= 2
            after.reap()
            assert list(Path(path, "sys", "tmp").iterdir()) == []
        if not died:
            assert last > 20
            return
    pytest.fail(f"archiving takes more than {MOST_OPERATIONS} operations")
