"""A real process SIGKILLs itself before each file operation of each move; the spool survives it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from support import tally
from support.spools import assert_spool_sound
from support.waits import eventually

from spoolq import Empty, JobStatus, LeaseLost, Spool
from spoolq.disk.clock import local_seconds
from spoolq.disk.filesystem import OsFileSystem
from spoolq.holding.consumer import Consumer
from spoolq.holding.keepalive import Keeper
from spoolq.queue import Spool as SpoolClass
from spoolq.verbs import opening

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEASE_SECONDS = 0.15
OPERATIONS = (
    *("create", "create_unstamped", "write", "write_back", "sync", "close", "rename", "link"),
    *("unlink", "mkdir", "rmdir", "iterate_files"),
    *("list", "iterate", "read", "read_record", "lstat", "touch_directory", "sync_directory"),
)
MOST_OPERATIONS = 80


class Dying(OsFileSystem):
    """Kills its own process before operation number `last` (1 first)."""

    def __init__(self, root: str, last: int) -> None:
        super().__init__(root)
        self.left = last
        for name in OPERATIONS:
            setattr(self, name, self._counting(getattr(self, name)))

    def _counting(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args)

        return counted


def spool_on(fs: Dying) -> Spool:
    spool = SpoolClass(fs.root)
    spool._open = opening.open_spool(fs.root, "victim", fs)
    spool._keeper = Keeper(local_seconds)
    spool._consumer = Consumer(spool._open, spool._keeper)
    return spool


def killed_at(path: str, last: int, move: Callable[[Spool], object]) -> tuple[bool, str]:
    """Fork, do the move, die before operation `last`: whether it died, and what it acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            spool = spool_on(Dying(path, 10**9))
            fs = spool._open.fs
            fs.left = last  # type: ignore[attr-defined]
            told = move(spool)
            fs.left = 10**9  # type: ignore[attr-defined]
            os.write(writer, f"acknowledged {told}".encode())
            os._exit(0)
        except BaseException as error:
            os.write(writer, f"error {error!r}".encode())
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as answer:
        told = answer.read()
    status = os.waitpid(child, 0)[1]
    died = os.WIFSIGNALED(status)
    assert died or told.startswith("acknowledged"), told
    return died, told.removeprefix("acknowledged ")


def take(spool: Spool) -> Any:
    # Not at once or never: on a busy machine a lease may be over before it is handed out.
    return spool.get_job(timeout=30)


MOVES: dict[str, Callable[[Spool], object]] = {
    "publish": lambda spool: spool.publish(b"new"),
    "publish with options": lambda spool: spool.publish(b"new", headers={"a": "b"}),
    "publish with key": lambda spool: spool.publish(b"new", key="k"),
    "publish delayed": lambda spool: spool.publish(b"new", delay=0.01),
    "publish many": lambda spool: spool.publish_many([b"new", b"new"])[0],
    "claim": lambda spool: take(spool).id,
    "claim many": lambda spool: len(spool.get_jobs(3, 0)),
    "renew": lambda spool: take(spool).extend(LEASE_SECONDS),
    "done": lambda spool: take(spool).done(),
    "done with result": lambda spool: take(spool).done(b"result"),
    "done many": lambda spool: spool.done_many(spool.get_jobs(3, timeout=30)),
    "fail": lambda spool: take(spool).fail("no", delay=0.01),
    "fail for good": lambda spool: take(spool).fail("no", retry=False),
    "release": lambda spool: take(spool).release(),
    "cancel waiting": lambda spool: spool.cancel(next(iter(spool.list(JobStatus.READY))).id),
    "cancel leased": lambda spool: spool.cancel(take(spool).id),
    "retry": lambda spool: spool.retry(next(iter(spool.list(JobStatus.FAILED))).id),
    "reap": lambda spool: spool.reap(),
    "prune": lambda spool: spool.prune(0, failed=False),
}


@pytest.mark.guarantee("I1", "I3", "I4", "I6")
@pytest.mark.parametrize("durability", ["full", "off"])
@pytest.mark.parametrize("move", MOVES, ids=lambda name: name.replace(" ", "-"))
def test_process_killed_before_any_operation_leaves_a_spool_that_goes_on(
    tmp_path: Path, move: str, durability: str
) -> None:
    for last in range(1, MOST_OPERATIONS):
        path = str(tmp_path / f"{last}")
        settings = {"lease_seconds": LEASE_SECONDS, "durability": durability, "sweep_seconds": 0.0}
        before = Spool.create(path, **settings)
        kept = {before.publish(b"kept %d" % number): b"kept %d" % number for number in range(3)}
        failed = before.publish(b"failed", priority=0)
        take(before).fail("as planned", retry=False)
        died, told = killed_at(path, last, MOVES[move])
        tally.fault("real processes killed before a file operation", died)
        acknowledged = told if move.startswith("publish") and not died else None
        _check(path, kept, failed, acknowledged, move)
        if not died:
            assert last > 3
            return
    pytest.fail(f"{move} takes more than {MOST_OPERATIONS} operations")


def _check(
    path: str, kept: dict[str, bytes], failed: str, acknowledged: str | None, move: str
) -> None:
    assert_spool_sound(path)
    spool = Spool(path)
    ended_before = {job.id for job in spool.list() if job.outcome is not None}
    done_before = {job.id for job in spool.list(JobStatus.DONE)}
    served = _serve_everything(spool)
    assert not served.keys() & done_before, "given out again after it was done"
    unfinished = kept.keys() - ended_before
    assert unfinished <= served.keys(), "a published job was lost"
    for job_id, payload in served.items():
        assert payload == kept.get(job_id, b"failed" if job_id == failed else b"new")
    if acknowledged is not None:
        assert acknowledged in served
    new = [job_id for job_id, payload in served.items() if payload == b"new"]
    if move == "publish with key":
        again = spool.publish(b"new", key="k")
        assert not new or again == new[0]
        _serve_everything(spool)
    eventually(lambda: (spool.reap(), _leftovers(path))[1] == [], what="leftovers are swept")
    assert_spool_sound(path)


def _serve_everything(spool: Spool) -> dict[str, bytes]:
    served: dict[str, bytes] = {}

    def all_quiet() -> bool:
        try:
            job = spool.get_job(timeout=0.01)
            served[job.id] = job.task
            job.done()
        except (Empty, LeaseLost):
            pass
        stats = spool.stats()
        return stats.ready == stats.leased == stats.delayed == 0

    eventually(all_quiet, what="everything unfinished was given out")
    return served


def _leftovers(path: str) -> list[str]:
    return os.listdir(f"{path}/leased") + os.listdir(f"{path}/sys/tmp")
