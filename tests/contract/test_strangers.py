"""I8: what spoolq did not write is left alone, and never stops the queue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import ROOMS, jobs_on_disk, names, tasks_in
from support.strangers import IRREGULAR, SECRET, STRANGE_NAMES, fingerprint, hard_link
from support.waits import eventually

from spoolq import Empty, JobStatus, SpoolqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

pytestmark = [pytest.mark.guarantee("I8"), pytest.mark.timeout(60)]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file outside the spool that must not be read into a task, written or removed."""
    place = tmp_path / "canary"
    place.write_bytes(SECRET)
    return place


def live_through_everything(spool: Spool) -> None:
    """Every move once, on jobs of our own; the queue goes on whatever lies around."""
    from spoolq import Spool as Again

    spool.publish(b"a", key="key-a", headers={"h": "v"})
    spool.publish(b"b", delay=0.05)
    spool.publish_many([b"c", b"d", b"e", b"f"])
    with Again(spool.path) as consumer:
        taken = {}
        while len(taken) < 6:
            job = consumer.get_job(timeout=20)
            taken[job.task] = job
    assert set(taken) == {b"a", b"b", b"c", b"d", b"e", b"f"}
    taken[b"a"].done(b"result")
    taken[b"b"].fail("later", delay=0.05)
    taken[b"c"].fail("never", retry=False)
    taken[b"d"].extend(100)
    taken[b"d"].release()
    spool.cancel(taken[b"e"].id)
    taken[b"f"].extend(0.05)
    for expected in ({b"d"}, {b"b", b"f"}):
        for _ in expected:
            job = spool.get_job(timeout=20)
            assert job.task in {b"b", b"d", b"f"}
            job.done()
    spool.retry(taken[b"c"].id)
    spool.get_job(timeout=20).done()
    assert spool.result(taken[b"a"].id) == b"result"
    assert [event["reason"] for event in spool.history(taken[b"b"].id)] == ["later"]
    for job in taken.values():
        assert spool.get(job.id).status is JobStatus.DONE
        spool.details(job.id)
    assert {info.id for info in spool.list()} >= {job.id for job in taken.values()}
    spool.pause("and")
    spool.resume()
    spool.reap()
    assert spool.prune(older_than_seconds=0, failed=True).removed == 6
    spool.reap()
    with pytest.raises(Empty):
        spool.get_job(timeout=0)


@pytest.mark.parametrize("kind", IRREGULAR)
def test_irregular_files_under_strange_names_in_every_directory(
    spool: Spool, canary: Path, kind: str
) -> None:
    planted = {}
    for room in (*ROOMS, "sys/locks"):
        place = Path(spool.path) / room / f"stranger-{kind}"
        IRREGULAR[kind](place, canary)
        planted[place] = fingerprint(place)
    outside = fingerprint(canary)
    live_through_everything(spool)
    assert {place: fingerprint(place) for place in planted} == planted
    assert fingerprint(canary) == outside


def test_regular_files_under_strange_names_in_every_directory(spool: Spool) -> None:
    planted = {}
    for room in (*ROOMS, "sys/locks"):
        for name in STRANGE_NAMES:
            place = os.path.join(os.fsencode(spool.path), room.encode(), name)
            with open(place, "wb") as file:
                file.write(SECRET)
            os.utime(place, (1, 1))  # very old: no sweep may take it for a leftover of ours
            planted[place] = fingerprint(place)
    live_through_everything(spool)
    assert {place: fingerprint(place) for place in planted} == planted


def name_like_ours(spool: Spool, state: str) -> str:
    """A name as a job of ours would have it in that state now, but of no job of ours."""
    job_id = spool.publish(b"sample", delay=0.05 if state == "delayed" else 0)
    if state == "leased":
        spool.get_job(timeout=0)
    elif state == "done":
        spool.get_job(timeout=0).done()
    elif state == "failed":
        spool.get_job(timeout=0).fail("sample", retry=False)
    (name,) = [name for name, owner in tasks_in(spool.path, state).items() if owner == job_id]
    (Path(spool.path) / state / name).unlink()
    for room in ("leased", state, "sys/history"):
        for left in names(spool.path, room):
            (Path(spool.path) / room / left).unlink()
    other = job_id[:-1] + ("A" if job_id[-1] != "A" else "B")
    return name.replace(job_id, other)


@pytest.mark.parametrize("state", ["ready", "leased", "delayed", "done", "failed"])
@pytest.mark.parametrize("kind", IRREGULAR)
def test_irregular_files_named_like_jobs(
    make_spool: Callable[..., Spool], canary: Path, kind: str, state: str
) -> None:
    spool = make_spool(lease_seconds=0.5)
    place = Path(spool.path) / state / name_like_ours(spool, state)
    IRREGULAR[kind](place, canary)
    planted = fingerprint(place)
    for _ in range(2):
        live_through_everything(spool)
    if state in ("ready", "done", "failed"):
        assert fingerprint(place) == planted
    assert planted[0] in inodes_under(spool.path)  # moved perhaps, deleted never
    assert canary.read_bytes() == SECRET


def inodes_under(path: str) -> set[int]:
    """The inodes of all files in a spool."""
    return {
        os.lstat(os.path.join(place, name)).st_ino
        for place, folders, files in os.walk(path)
        for name in (*folders, *files)
    }


@pytest.mark.parametrize("state", ["ready", "delayed", "leased"])
def test_file_with_a_second_link_is_never_given_out_nor_lost(
    make_spool: Callable[..., Spool], canary: Path, state: str
) -> None:
    spool = make_spool(lease_seconds=0.3)
    hard_link(Path(spool.path) / state / name_like_ours(spool, state), canary)
    consumed = []
    spool.publish(b"mine")
    while not consumed or b"mine" not in consumed:
        job = spool.get_job(timeout=20)
        consumed.append(job.task)
        job.done()
    with pytest.raises(Empty):
        spool.get_job(timeout=1)
    assert consumed == [b"mine"]
    assert canary.read_bytes() == SECRET
    assert os.lstat(canary).st_ino in inodes_under(spool.path)


@pytest.mark.parametrize("size", ["too-large", "sparse-terabyte"])
def test_waiting_file_over_the_limit_does_not_stop_the_others(
    make_spool: Callable[..., Spool], size: str
) -> None:
    spool = make_spool(max_task_bytes=1000)
    big = spool.publish(b"x", priority=0)
    with (Path(spool.path) / "ready" / big).open("r+b") as file:
        file.truncate(1001 if size == "too-large" else 1 << 40)
    spool.publish_many([b"one", b"two"])
    seen = []
    for job in spool.jobs(idle_timeout=0.3):
        if job.id == big:
            with pytest.raises(SpoolqError):  # streamed by path, not read into memory
                print(len(job.task))
            job.fail("too large", retry=False)
        else:
            seen.append(job.task)
            job.done()
    assert seen == [b"one", b"two"]
    assert spool.get(big).status is not JobStatus.UNKNOWN


def garbage_files(place: Path) -> None:
    place.write_bytes(b"\x00\xff{not json")


def empty_files(place: Path) -> None:
    place.write_bytes(b"")


def enormous_files(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(1 << 30)


def deep_files(place: Path) -> None:
    place.write_bytes(b'{"a":' * 12_000)


def wrong_types(place: Path) -> None:
    place.write_bytes(b'{"id": 7, "headers": [1], "key": {}, "at": [], "event": null, "reason": 5}')


def number_too_long(place: Path) -> None:
    place.write_bytes(b'{"attempt": ' + b"9" * 20_000 + b"}")


def no_object(place: Path) -> None:
    place.write_bytes(b"[1, 2]")


def pipes(place: Path) -> None:
    place.unlink()
    os.mkfifo(place)


def links(place: Path) -> None:
    place.unlink()
    place.symlink_to("/etc/passwd")


DAMAGES = [
    garbage_files,
    empty_files,
    enormous_files,
    deep_files,
    wrong_types,
    number_too_long,
    no_object,
    pipes,
    links,
]


def records_of(spool: Spool) -> list[Path]:
    """Every record of ours in the spool but spool.json; payloads are none."""
    root = Path(spool.path)
    found = [path for path in (root / "sys").rglob("*") if path.is_file()]
    for state in ("done", "failed"):
        found += [path for path in (root / state).iterdir() if path.suffix in (".end", ".result")]
    return [path for path in found if path.parent.name != "locks"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_of_every_kind_do_not_stop_the_queue(
    spool: Spool, open_again: Callable[..., Spool], damage: Callable[[Path], None]
) -> None:
    done = spool.publish(b"done", key="done")
    spool.get_job(timeout=0).done(b"result")
    failed = spool.publish(b"failed", headers={"a": "b"})
    spool.get_job(timeout=0).fail("why", retry=False)
    waiting = spool.publish(b"waiting", key="waiting", headers={"a": "b"}, lease_seconds=77)
    damaged = records_of(spool)
    assert len(damaged) >= 6
    for path in damaged:
        damage(path)
    again = open_again(spool)
    for job_id in (done, failed, waiting):
        state = again.get(job_id).status
        assert again.details(job_id)["id"] == job_id
        again.history(job_id)
        try:
            assert again.result(job_id) is None or state is JobStatus.DONE
        except SpoolqError as error:  # a clear word is allowed, a traceback of another kind not
            assert f"done/{job_id}.result" in str(error)
    assert {info.id for info in again.list()} == {done, failed, waiting}
    healthy = again.publish(b"healthy", key="healthy", headers={"h": "v"}, priority=9)
    taken = {job.id: job for job in (again.get_job(timeout=5), again.get_job(timeout=5))}
    assert set(taken) == {waiting, healthy}
    assert taken[waiting].task == b"waiting"
    assert taken[healthy].headers == {"h": "v"}
    for job in taken.values():
        job.done(b"result")
    assert again.result(healthy) == b"result"
    again.reap()
    again.retry(failed)
    again.get_job(timeout=5).done()
    assert again.get(failed).status is JobStatus.DONE
    again.prune(older_than_seconds=0, failed=True)
    assert jobs_on_disk(spool.path) == {}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_record_of_a_key_still_holds_the_key(
    spool: Spool, damage: Callable[[Path], None]
) -> None:
    first = spool.publish(b"first", key="k")
    (record,) = (path for path in records_of(spool) if "keys" in path.parts)
    damage(record)
    assert spool.publish(b"second", key="k") == first
    other = spool.publish(b"other", key="other")
    assert jobs_on_disk(spool.path).keys() == {first, other}
    assert [job.task for job in spool.get_jobs(5, timeout=0)] == [b"first", b"other"]


def test_old_files_of_ours_in_tmp_are_swept_and_strangers_stay(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(sweep_seconds=0.2)
    tmp = Path(spool.path) / "sys" / "tmp"
    job_id = spool.publish(b"leave me")
    ours = tmp / (job_id[:-1] + ("A" if job_id[-1] != "A" else "B"))
    ours.write_bytes(b"of a publisher that died")
    stranger = tmp / "notes.txt"
    stranger.write_bytes(b"mine")
    eventually(lambda: spool.reap() and not ours.exists(), what="swept")
    assert stranger.exists()
    assert spool.get(job_id).status is JobStatus.READY
