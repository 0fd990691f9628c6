"""archive: old done jobs go into one compressed file a day, and are told of from there."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import census, everything_under, names

from spoolq import JobStatus, UnknownJob
from spoolq.queue import internals
from spoolq.rules import archives
from spoolq.verbs import archived, archiving

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def archive(spool: Spool, older_than_seconds: float = 0.0) -> int:
    """Pack what is old enough; how many jobs."""
    # "Now" is a lower bound, so what ended this very tick is a hundredth of a second too young.
    count, _ = archiving.archive(internals(spool), older_than_seconds - 1.0)
    return count


def files(spool: Spool) -> list[str]:
    return names(spool.path, "archive")


def rich_life(spool: Spool) -> str:
    """A job with everything a job can have."""
    job_id = spool.publish(b"task \xff", key="nightly", headers={"kind": "page"}, max_attempts=3)
    spool.get_job(timeout=0).fail("at first", delay=0)
    job = spool.get_job(timeout=0)
    log = f"{job_id}.2.{job.lease}.out"
    Path(spool.path, "logs", log).write_text("what it said")
    job.done(b"result", run={"exit_code": 0})
    return job_id


def test_archived_jobs_are_told_of_as_before(spool: Spool) -> None:
    job_id = rich_life(spool)
    info, details, result = spool.get(job_id), spool.details(job_id), spool.result(job_id)
    assert archive(spool) == 1
    assert census(spool.path)["done"] == 0
    assert spool.get(job_id) == info
    assert spool.result(job_id) == result == b"result"
    after = spool.details(job_id)
    assert after["path"] == f"{spool.path}/archive/{files(spool)[0]}"
    assert {**after, "path": None} == {**details, "path": None}


def test_nothing_of_an_archived_job_stays_outside(spool: Spool) -> None:
    job_id = rich_life(spool)
    archive(spool)
    assert [name for name in everything_under(spool.path) if job_id in name] == []
    assert spool.publish(b"", key="nightly") != job_id


def test_a_file_is_a_zip_of_json_lines_that_other_tools_read(spool: Spool) -> None:
    ids = sorted(spool.publish_many([b"text", b"\xff\x00"]))
    for job in spool.get_jobs(2, timeout=0):
        job.done()
    archive(spool)
    (name,) = files(spool)
    assert archives.day_of_file(name) == ids[0][2:10]
    with zipfile.ZipFile(Path(spool.path, "archive", name)) as opened:
        (member,) = opened.namelist()
        told = [json.loads(line) for line in opened.read(member).splitlines()]
    assert member == f"{ids[0]}..{ids[1]}.jsonl"
    assert [one["id"] for one in told] == ids
    assert told[0]["task"] == "text"
    assert told[1]["task_base64"] == "/wA="
    assert told[0]["outcome"] == "done"


def test_there_is_one_file_a_day_however_often_it_runs(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_JOBS", 3)
    ids = []
    for _ in range(3):
        ids += spool.publish_many([b"x"] * 5)
        for job in spool.get_jobs(5, timeout=0):
            job.done(job.id.encode())
        assert archive(spool) == 5
    assert len(files(spool)) == len({job_id[2:10] for job_id in ids})
    for job_id in ids:
        assert spool.result(job_id) == job_id.encode()


def test_only_what_is_done_for_so_long_is_packed(spool: Spool) -> None:
    spool.publish_many([b"done", b"failed", b"leased", b"cancelled", b"ready"])
    spool.get_job(timeout=0).done()
    spool.get_job(timeout=0).fail("no", retry=False)
    spool.get_job(timeout=0)
    cancelled = next(iter(spool.list(JobStatus.READY))).id
    spool.cancel(cancelled)
    assert archive(spool, 3600) == 0
    assert files(spool) == []
    assert archive(spool) == 2
    assert spool.get(cancelled).outcome == "cancelled"
    assert census(spool.path) == {"ready": 1, "leased": 1, "delayed": 0, "done": 0, "failed": 1}


def test_unknown_jobs_stay_unknown(spool: Spool) -> None:
    rich_life(spool)
    archive(spool)
    stranger = internals(spool).new_id(5, options=False, now=internals(spool).clock.now())
    assert spool.get(stranger).status is JobStatus.UNKNOWN
    assert spool.get("no id").status is JobStatus.UNKNOWN
    for ask in (spool.details, spool.result):
        with pytest.raises(UnknownJob):
            ask(stranger)


@pytest.mark.guarantee("I3")
@pytest.mark.parametrize("operation", ["create", "write", "sync", "close", "rename", "mkdir"])
def test_a_failure_on_the_way_removes_nothing(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    spool = make_spool(durability="full")
    ids = spool.publish_many([b"task"] * 3)
    for job in spool.get_jobs(3, timeout=0):
        job.done()
    internals(spool).clock.sample()

    def refuse(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(internals(spool).fs, operation, refuse)
        if operation == "create":
            patch.setattr(internals(spool).fs, "create_unstamped", refuse)
        with pytest.raises(OSError, match="No space"):
            archive(spool)
    assert {spool.get(job_id).outcome for job_id in ids} == {"done"}
    assert census(spool.path)["done"] == 3
    assert files(spool) == []
    assert archive(spool) == 3


def test_who_dies_before_removing_leaves_jobs_in_both_and_no_harm(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = rich_life(spool)
    with monkeypatch.context() as patch:
        patch.setattr(archiving.prune, "remove", lambda *_: iter(()))
        archive(spool)
    assert census(spool.path)["done"] == 1
    assert archive(spool) == 1
    assert len(files(spool)) == 1
    assert spool.result(job_id) == b"result"


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "fifo", "link", "flipped"])
@pytest.mark.timeout(60)
def test_an_archive_that_cannot_be_read_stays_and_stops_nothing(spool: Spool, damage: str) -> None:
    first = rich_life(spool)
    archive(spool)
    path = Path(spool.path, "archive", files(spool)[0])
    whole = path.read_bytes()
    path.unlink()
    if damage == "fifo":
        os.mkfifo(path)
    elif damage == "link":
        path.symlink_to("/etc/passwd")
    else:
        middle = whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]
        texts = {"cut": whole[:-30], "garbage": b"PK" * 50, "empty": b"", "flipped": middle}
        path.write_bytes(texts[damage])
    assert spool.get(first).status is JobStatus.UNKNOWN
    second = rich_life(spool)
    assert archive(spool) == 1
    assert spool.result(second) == b"result"
    assert os.path.lexists(path)
    assert len(files(spool)) == 2


def test_a_member_that_says_to_be_enormous_is_not_unpacked(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = rich_life(spool)
    archive(spool)
    monkeypatch.setattr(archives, "MOST_MEMBER_BYTES", 10)
    assert spool.get(job_id).status is JobStatus.UNKNOWN


def test_what_was_published_long_ago_and_done_just_now_is_not_packed(spool: Spool) -> None:
    ready = Path(spool.path, "ready")
    old = "5-20200101T000000000000-ABCDEFGH"
    (ready / spool.publish(b"task")).rename(ready / old)
    spool.get_job(timeout=0).done()
    assert archive(spool, 3600) == 0
    assert (census(spool.path)["done"], files(spool)) == (1, [])
    assert archive(spool) == 1
    assert spool.get(old).outcome == "done"


def test_a_job_that_cannot_be_packed_stays_and_makes_no_file(
    make_spool: Callable[..., Spool], caplog: pytest.LogCaptureFixture
) -> None:
    spool = make_spool(max_task_bytes=100)
    job_id = spool.publish(b"task")
    spool.get_job(timeout=0).done()
    os.truncate(Path(spool.path, "done", job_id), 101)
    assert archive(spool) == 0
    assert (census(spool.path)["done"], files(spool)) == (1, [])
    assert names(spool.path, "sys/tmp") == []
    assert f"job {job_id} is not archived" in caplog.text


def two_members(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A day's file of two members."""
    with monkeypatch.context() as patch:
        patch.setattr(archives, "MOST_JOBS", 1)
        spool.publish_many([b"one" * 50, b"two" * 50])
        for job in spool.get_jobs(2, timeout=0):
            job.done()
        assert archive(spool) == 2
    (name,) = files(spool)
    return Path(spool.path, "archive", name)


@pytest.mark.parametrize("what", ["its last member is damaged", "a foreign member", "too large"])
def test_an_older_file_that_cannot_be_taken_over_whole_stays_whole(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    older = two_members(spool, monkeypatch)
    if what == "its last member is damaged":
        with zipfile.ZipFile(older) as opened:
            at = opened.infolist()[-1].header_offset + 120
        content = older.read_bytes()
        older.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
    elif what == "a foreign member":
        with zipfile.ZipFile(older, "a") as opened:
            opened.writestr("notes.txt", "mine")
    else:
        monkeypatch.setattr(archives, "MOST_MEMBER_BYTES", 200)
    before = older.read_bytes()
    spool.publish(b"")
    spool.get_job(timeout=0).done()
    assert archive(spool) == 1
    assert older.read_bytes() == before
    (newer,) = set(files(spool)) - {older.name}
    with zipfile.ZipFile(Path(spool.path, "archive", newer)) as opened:
        assert len(opened.namelist()) == 1


def test_a_file_that_was_renewed_while_it_was_looked_into_is_looked_for_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = rich_life(spool)
    archive(spool)
    real, asked = archived.parts_of, []

    def at_first_the_older(*given: Any) -> list[str]:
        asked.append(given)
        return real(*given) if len(asked) > 1 else [f"archive/{job_id[2:10]}.gone-1-AAAAAAAA.zip"]

    monkeypatch.setattr(archived, "parts_of", at_first_the_older)
    assert spool.result(job_id) == b"result"


def test_foreign_things_are_left_alone(spool: Spool) -> None:
    rich_life(spool)
    done = Path(spool.path, "done")
    (done / "notes.txt").write_text("mine")
    archive(spool)
    Path(spool.path, "archive", "notes.zip").write_text("mine")
    rich_life(spool)
    archive(spool)
    assert (done / "notes.txt").read_text() == "mine"
    assert "notes.zip" in files(spool)
