"""Several local users: a group shares a group spool; strangers get nothing and are not trusted."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

import pytest

from spoolq import Spool, SpoolqError, SpoolUntrusted, StorageError
from spoolq.queue import internals
from spoolq.verbs import archiving

# Imported when they are needed; and another user may not be able to read them.
for _name in ("concurrent.futures.thread", "filelock"):
    importlib.import_module(_name)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users needs root")
ANNA, BORIS, STRANGER, TEAM = 64001, 64002, 64003, 64100


def run_as(uid: int, groups: list[int], umask: int, work: Callable[[], object]) -> str:
    """Run `work` in a forked child as another user; what it returned, or the error's name."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(groups[0] if groups else uid)
            os.setuid(uid)
            os.umask(umask)
            told = repr(work())
        except SpoolqError as error:
            told = type(error).__name__
        except BaseException as error:
            told = f"unexpected {error!r}"
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


@pytest.fixture
def shared(tmp_path: Path) -> str:
    """A directory that the team may write to, reachable by everybody."""
    for parent in (tmp_path, *tmp_path.parents):
        if not os.stat(parent).st_mode & 0o001:
            os.chmod(parent, os.stat(parent).st_mode | 0o011)
    home = tmp_path / "team"
    home.mkdir()
    os.chown(home, ANNA, TEAM)
    os.chmod(home, 0o2775)
    return str(home / "spool")


@as_root
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_group_spool_serves_the_group_whatever_the_umask(shared: str, umask: int) -> None:
    def anna() -> str:
        spool = Spool.create(shared, group=True)
        spool.publish(b"one", key="k")
        return spool.publish(b"two", headers={"a": "b"})

    def boris() -> object:
        spool = Spool(shared)
        job = spool.get_job(0)
        job.extend()
        job.done(b"result")
        spool.get_job(0).fail("no", retry=False)
        spool.publish(b"three")
        return job.task, spool.publish(b"again", key="k") == job.id

    def anna_again() -> object:
        spool = Spool(shared)
        job = spool.get_job(0)
        job.done()
        spool.reap()
        return job.task, spool.prune(0, failed=True).removed, spool.stats().done

    assert run_as(ANNA, [TEAM], umask, anna).startswith("'5-")
    assert run_as(BORIS, [BORIS, TEAM], umask, boris) == "(b'one', True)"
    assert run_as(ANNA, [TEAM], umask, anna_again) == "(b'three', 3, 0)"


@as_root
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o177, 0o277, 0o777])
def test_private_spool_is_private_and_works_whatever_the_umask(shared: str, umask: int) -> None:
    def anna() -> object:
        with Spool.create(shared, lease_seconds=60) as spool:
            spool.publish(b"one", key="k", headers={"a": "b"})
            spool.publish_many([b"two", b"three"])
            for job in spool.get_jobs(3, 0):
                job.extend()
                job.fail("no", retry=False) if job.task == b"two" else job.done(b"result")
            archiving.archive(internals(spool), -1)
            spool.publish(b"four")
            return spool.stats().failed

    assert run_as(ANNA, [TEAM], umask, anna) == "1"
    for root, directories, files in os.walk(shared):
        modes = {os.lstat(f"{root}/{name}").st_mode & 0o7777 for name in directories}
        assert modes <= {0o700}, (root, modes)
        modes = {os.lstat(f"{root}/{name}").st_mode & 0o7777 for name in files}
        assert modes <= {0o600}, (root, files, modes)


@as_root
@pytest.mark.parametrize("group", [True, False])
def test_stranger_neither_reads_nor_adds_nor_takes(shared: str, group: bool) -> None:
    assert "5-" in run_as(
        ANNA, [TEAM], 0o000, lambda: Spool.create(shared, group=group).publish(b"secret")
    )
    assert run_as(STRANGER, [STRANGER], 0, lambda: Spool(shared)) == "StorageError"
    assert run_as(STRANGER, [STRANGER], 0, lambda: os.listdir(shared)).startswith("unexpected")
    if not group:
        assert run_as(BORIS, [BORIS, TEAM], 0, lambda: Spool(shared)) == "StorageError"


@as_root
def test_spool_of_a_stranger_is_refused_unless_trusted(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_as(ANNA, [TEAM], 0o022, lambda: Spool.create(shared))
    with pytest.raises(SpoolUntrusted, match="another user"):
        Spool(shared)
    monkeypatch.setenv("SPOOLQ_TRUST", "1")
    assert Spool(shared).stats().ready == 0


def test_spool_that_everybody_may_write_to_is_refused_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    Spool.create(path)
    os.chmod(path / "ready", 0o777)
    with pytest.raises(SpoolUntrusted, match="everybody"):
        Spool(path)
    allowed = tmp_path / "allowed"
    Spool.create(allowed, allow_others=True)
    os.chmod(allowed, 0o777)
    assert Spool(allowed).publish(b"task")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_spool_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    Spool.create(path)
    os.chmod(path, 0)
    try:
        with pytest.raises(StorageError, match="Permission denied"):
            Spool(path)
    finally:
        os.chmod(path, 0o700)
