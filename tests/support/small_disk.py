"""Scenarios on a tiny file system of their own; run in a private mount namespace. Not a test.

`unshare --mount python -m support.small_disk SCENARIO DIR` mounts a tmpfs on DIR and asserts there.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq import JobStatus, Spool, StorageError, StorageFull
from spoolq.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
from support.spools import assert_spool_tidy, names


def mount(directory: str, options: str) -> None:
    """Mount an empty tmpfs, or change what is mounted."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", directory], check=True)


def refusal(call: Callable[[], object]) -> StorageError:
    """The error with which the file system refused."""
    try:
        call()
    except StorageError as error:
        return error
    raise AssertionError("it was not refused")


def full(directory: str) -> None:
    """No space: publishing says so and leaves nothing; what was there goes on."""
    mount(directory, "size=4m")
    spool = Spool.create(f"{directory}/spool")
    early = spool.publish(b"early", headers={"a": "b"})
    with suppress(OSError), Path(f"{directory}/ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(65536)):
            pass
    with suppress(OSError), Path(f"{directory}/ballast2").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(100)):
            pass
    before = {room: names(spool.path, room) for room in ("ready", "delayed", "sys/tmp", "sys/meta")}
    for options in ({}, {"key": "k"}, {"headers": {"a": "b"}}, {"delay": 5}):
        error = refusal(lambda o=options: spool.publish(bytes(300_000), **o))
        assert isinstance(error, StorageFull)
        assert error.errno == errno.ENOSPC
        assert "space" in str(error), error
    assert isinstance(refusal(lambda: spool.publish_many([bytes(100_000)] * 5)), StorageFull)
    after = {room: names(spool.path, room) for room in before}
    assert after == before, (before, after)
    assert spool.get(early).status is JobStatus.READY
    with suppress(StorageFull):  # a lease needs room for its sidecar
        spool.get_job(timeout=0).release()
    Path(f"{directory}/ballast").unlink()
    Path(f"{directory}/ballast2").unlink()
    job = spool.get_job(timeout=5)
    assert (job.id, job.task, job.headers) == (early, b"early", {"a": "b"})
    job.done(b"result")
    spool.get(spool.publish(bytes(300_000), key="k"))
    spool.get_job(timeout=0).done()
    assert_spool_tidy(spool.path)


def held(directory: str) -> None:
    """No space while a job is held: it can still be ended, for a rename needs none."""
    mount(directory, "size=4m")
    spool = Spool.create(f"{directory}/spool")
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    with suppress(OSError), Path(f"{directory}/ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
    assert isinstance(refusal(lambda: job.done(bytes(100_000))), StorageFull)
    assert spool.get(job.id).status is JobStatus.PROCESSING
    assert names(spool.path, "sys/tmp") == []
    job.done()
    assert spool.get(job.id).outcome == "done"
    assert_spool_tidy(spool.path)


def inodes(directory: str) -> None:
    """No inodes."""
    mount(directory, "size=4m,nr_inodes=40")
    spool = Spool.create(f"{directory}/spool")
    published = []
    with suppress(StorageFull):
        while True:
            published.append(spool.publish(b"task"))
    assert 0 < len(published) < 40
    assert [info.id for info in spool.list()] == published
    os.unlink(f"{spool.path}/ready/{published[-1]}")
    spool.get_job(timeout=0).done()


def readonly(directory: str) -> None:
    """Mounted read-only: looking works, all else is a clear error."""
    mount(directory, "size=4m")
    Spool.create(f"{directory}/spool").publish(b"task", key="k")
    mount(directory, "remount,ro")
    spool = Spool(f"{directory}/spool")
    (info,) = list(spool.list())
    assert spool.get(info.id).status is JobStatus.READY
    assert spool.stats().ready == 1
    assert spool.details(info.id)["key"] == "k"
    for words in (
        ["status"],
        ["status", "--json"],
        ["ls"],
        ["show", info.id],
        ["status", "--check"],
    ):
        assert main(["-s", spool.path, *words]) == 0
    assert main(["-s", spool.path, "explain", info.id]) == 3
    for call in (
        lambda: spool.publish(b"task"),
        lambda: spool.publish_many([b"task"]),
        lambda: spool.get_job(timeout=0),
        lambda: spool.cancel(info.id),
        lambda: spool.pause("x"),
    ):
        error = refusal(call)
        assert not isinstance(error, StorageFull)
        assert "ead-only" in str(error), error
    mount(directory, "remount,rw")
    spool.get_job(timeout=5).done()
    assert_spool_tidy(spool.path)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
