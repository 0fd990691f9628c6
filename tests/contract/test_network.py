"""Two hosts on a network file system: what one does the other knows within one look, at little cost."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from support.memory_fs import MemoryFileSystem
from support.memory_spool import make_spool, open_memory_spool
from support.nfs_client import NfsClient, SteppingTime

from spoolq import Empty, Job, JobStatus
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

    Host = Callable[[], tuple[Spool, NfsClient]]

POLL_SECONDS = 1.0


@pytest.fixture
def time() -> SteppingTime:
    return SteppingTime()


@pytest.fixture
def host(time: SteppingTime) -> Host:
    """Open the one spool as another host, with caches of its own."""
    server = MemoryFileSystem(time, is_network=True)
    make_spool(server, lease_seconds=60, poll_seconds=POLL_SECONDS)
    count = iter(range(9))

    def opened() -> tuple[Spool, NfsClient]:
        client = NfsClient(server)
        return open_memory_spool(client, time, f"host{next(count)}"), client  # type: ignore[arg-type]

    return opened


def takes_nothing(spool: Spool) -> bool:
    try:
        spool.get_job(0)
    except Empty:
        return True
    return False


def test_a_pause_of_another_host_is_heard_within_one_poll(time: SteppingTime, host: Host) -> None:
    (here, _), (there, _) = host(), host()
    assert takes_nothing(there)
    here.publish(b"first")
    there.get_job(0).done()
    here.pause("for a test")
    time.advance(POLL_SECONDS + 0.1)
    here.publish(b"waits")
    assert takes_nothing(there)
    here.resume()
    time.advance(POLL_SECONDS + 0.1)
    assert there.get_job(0).task == b"waits"


def test_waiting_for_nothing_asks_the_server_once_a_look(time: SteppingTime, host: Host) -> None:
    spool, client = host()
    assert takes_nothing(spool)
    consumer = spool._consumer
    consumer._upkeep._next_pass = time.local + 1000  # the reaper's looks are its own
    client.asked.clear()
    for _ in range(10):
        time.advance(2 * POLL_SECONDS)
        assert consumer._claim(1) == []
    assert client.asked == {"open ready": 10}


def test_a_name_made_in_the_tick_of_the_last_change_seen_is_found_at_the_next_look(
    time: SteppingTime, host: Host
) -> None:
    (here, _), (there, _) = host(), host()
    time.advance(5)
    here.publish(b"first")
    here.get_job(0).done()
    assert takes_nothing(there)
    hidden = here.publish(b"hidden")  # in the same tick: the directory's stamp stays as it was
    time.advance(POLL_SECONDS)
    assert there.get_job(0).id == hidden


def test_a_directory_that_has_settled_is_not_touched(time: SteppingTime, host: Host) -> None:
    (here, client), (there, _) = host(), host()
    here.publish(b"task")
    here.get_job(0).done()
    time.advance(5)
    stamp = client.server.lstat("ready")
    for _ in range(5):
        assert takes_nothing(there)
        time.advance(POLL_SECONDS)
    assert client.server.lstat("ready") == stamp


def test_look_ups_tell_what_another_host_has_just_done(time: SteppingTime, host: Host) -> None:
    (here, _), (there, _) = host(), host()
    job_id = here.publish(b"task")
    assert there.get(job_id).status is JobStatus.READY
    time.advance(0.1)
    job = here.get_job(0)
    assert there.get(job_id).status is JobStatus.PROCESSING
    time.advance(0.1)
    job.extend(500)
    assert there.get(job_id).status is JobStatus.PROCESSING
    time.advance(0.1)
    job.done()
    assert there.get(job_id).status is JobStatus.DONE


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO])
@pytest.mark.parametrize("operation", ["create", "close"])
def test_a_sidecar_that_the_network_lost_is_made_anew(
    time: SteppingTime, host: Host, monkeypatch: pytest.MonkeyPatch, operation: str, code: int
) -> None:
    # Stale: swept while the network was away. EIO: a server that restarted knew nothing of the open.
    here, client = host()
    assert takes_nothing(here)
    here.publish(b"task")
    time.advance(POLL_SECONDS)
    real = getattr(client, operation)
    refusals = [OSError(code, os.strerror(code))]

    def refused_once(what: object) -> object:
        result = real(what)
        if refusals:
            raise refusals.pop()
        return result

    monkeypatch.setattr(client, operation, refused_once, raising=False)
    assert here.get_job(0).task == b"task"
    assert refusals == []


PUBLISH: dict[str, Callable[[Spool], str]] = {
    "plain": lambda spool: spool.publish(b"task"),
    "with options": lambda spool: spool.publish(b"task", headers={"a": "b"}),
    "with a key": lambda spool: spool.publish(b"task", key="k"),
    "many": lambda spool: spool.publish_many([b"task"])[0],
}


@pytest.mark.guarantee("I3")
@pytest.mark.parametrize("publish", PUBLISH.values(), ids=PUBLISH)
def test_publish_whose_reply_was_lost_counts_though_the_job_was_taken_at_once(
    host: Host, monkeypatch: pytest.MonkeyPatch, publish: Callable[[Spool], str]
) -> None:
    # The simulator's seed 23958: told as refused, a publisher would publish it once more.
    (here, _), (there, _) = host(), host()
    fs = internals(here).fs
    rename, taken = fs.rename, list[Job]()

    def losing_the_reply(source: str, target: str) -> None:
        rename(source, target)
        if target.startswith("ready/"):
            taken.append(there.get_job(0))
            raise FileNotFoundError(errno.ENOENT, "repeated, and not there any more", source)

    monkeypatch.setattr(fs, "rename", losing_the_reply)
    assert [publish(here)] == [job.id for job in taken]
    assert here.get(taken[0].id).status is JobStatus.PROCESSING
