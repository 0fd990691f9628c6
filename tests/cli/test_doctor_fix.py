"""spoolq doctor --fix: repairs what is no matter of guessing, tells what it did, deletes no task."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import census, everything_under, names
from support.waits import eventually

from spoolq import JobStatus, Spool
from spoolq.rules.names import format_id

if TYPE_CHECKING:
    from collections.abc import Callable

AN_ID = format_id(5, 1.79e9, "ABCDEFGH")
ANOTHER = format_id(5, 1.79e9, "QRSTUVWX")


@pytest.fixture
def used(spool: Spool) -> Spool:
    """A spool with a job in every state."""
    spool.publish_many([b"done", b"failed", b"leased", b"ready"])
    spool.publish(b"delayed", delay=3600, key="k", headers={"a": "b"})
    spool.get_job(0).done(b"result")
    spool.get_job(0).fail("broken", retry=False)
    spool.get_job(0)
    return spool


def tasks(spool: Spool) -> dict[str, bytes | None]:
    """Every task and record of the state directories, with its content."""
    states = ("ready/", "leased/", "delayed/", "done/", "failed/")
    found = everything_under(spool.path)
    return {path: content for path, content in found.items() if path.startswith(states)}


def quarantined(spool: Spool) -> list[str]:
    """What lies in the quarantine, under the path it had."""
    room = Path(spool.path, "quarantine")
    found = [path.relative_to(room) for path in room.rglob("*") if not path.is_dir()]
    return sorted("/".join(path.parts[1:]) for path in found)


def test_a_sound_spool_is_left_as_it_is(cli: Callable, used: Spool) -> None:
    before = everything_under(used.path)
    assert cli("doctor", "--fix").good().lines[-1] == "nothing found"
    assert everything_under(used.path) == before


def test_foreign_things_are_moved_to_the_quarantine_whole(cli: Callable, used: Spool) -> None:
    before = tasks(used)
    root = Path(used.path)
    (root / "ready" / "notes.txt").write_text("mine")
    os.mkfifo(root / "leased" / "pipe")
    (root / "done" / AN_ID).symlink_to("/etc/passwd")
    (root / "failed" / ANOTHER).mkdir()
    (root / "failed" / ANOTHER / "inside").write_text("mine too")
    (root / "sys" / "keys" / "a-key").write_text("no directory")
    told = cli("doctor", "--fix").good()
    assert quarantined(used) == [
        f"done/{AN_ID}",
        f"failed/{ANOTHER}/inside",
        "leased/pipe",
        "ready/notes.txt",
        "sys/keys/a-key",
    ]
    assert told.out.count("fixed: moved to quarantine/") == 5
    assert told.lines[-1] == "5 findings, 0 left"
    assert tasks(used) == before
    assert Path("/etc/passwd").exists()
    cli("doctor").good()


def test_quarantine_never_overwrites(cli: Callable, used: Spool) -> None:
    for content in ("first", "second"):
        Path(used.path, "ready", "notes.txt").write_text(content)
        cli("doctor", "--fix").good()
    found = {path.read_text() for path in Path(used.path, "quarantine").rglob("notes.txt")}
    assert found == {"first", "second"}


def test_missing_directories_are_made_and_what_is_in_the_others_is_mended(
    cli: Callable, used: Spool
) -> None:
    Path(used.path, "sys", "history").rmdir() if not names(used.path, "sys/history") else None
    for name in names(used.path, "sys/history"):
        Path(used.path, "sys", "history", name).unlink()
    if Path(used.path, "sys", "history").exists():
        Path(used.path, "sys", "history").rmdir()
    for name in names(used.path, "delayed"):
        Path(used.path, "delayed", name).rename(Path(used.path, "ready", name[22:]))
    Path(used.path, "delayed").rmdir()
    Path(used.path, "done", "notes.txt").touch()
    cli("doctor", "--fix").good()
    assert Path(used.path, "delayed").is_dir()
    assert stat.S_IMODE(os.stat(Path(used.path, "delayed")).st_mode) == 0o700
    assert quarantined(used) == ["done/notes.txt"]
    cli("doctor").good()


def test_modes_are_set_and_never_through_links(cli: Callable, used: Spool, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not the spool's")
    outside.chmod(0o644)
    root = Path(used.path)
    os.chmod(root / "done", 0o755)
    task = root / "ready" / names(used.path, "ready")[0]
    os.chmod(task, 0o644)
    (root / "ready" / AN_ID).symlink_to(outside)
    cli("doctor", "--fix").good()
    assert stat.S_IMODE(os.stat(root / "done").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(task).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(outside).st_mode) == 0o644


def test_leases_that_nobody_took_back_are_reaped(cli: Callable, make_spool: Callable) -> None:
    spool = make_spool("old", lease_seconds=0.2)
    job_id = spool.publish(b"task")
    spool.get_job(0)
    # The doctor waits half a minute before it wonders; the record says that it is longer ago.
    (sidecar,) = [n for n in names(spool.path, "leased") if n.endswith(".lease")]
    place = Path(spool.path, "leased", sidecar)
    record = json.loads(place.read_text())
    record |= {"granted_at": "2026-01-01T00:00:00.000000Z", "lease_seconds": 1.0}
    record["deadline"] = "2026-01-01T00:00:01.000000Z"
    place.write_text(json.dumps(record))
    told = cli("-s", spool.path, "doctor", "--fix").good()
    assert "fixed: reaped" in told.out
    assert spool.get(job_id).status is JobStatus.READY


def test_records_without_a_job_and_leftovers_are_swept(cli: Callable, make_spool: Callable) -> None:
    spool = make_spool("old", sweep_seconds=0.05)
    orphans = [f"done/{AN_ID}.end", f"sys/meta/{AN_ID}QQ", "sys/tmp/gone-1-ABCDEFGH.task"]
    for path in orphans:
        Path(spool.path, path).write_bytes(b"{}\n")
        os.chmod(Path(spool.path, path), 0o600)

    def all_swept() -> bool:
        cli("-s", spool.path, "doctor", "--fix")
        return not any(Path(spool.path, path).exists() for path in orphans)

    eventually(all_swept, what="older than sweep_seconds")
    cli("-s", spool.path, "doctor").good()


def test_a_key_that_leads_nowhere_is_let_go(cli: Callable, used: Spool) -> None:
    hold = Path(used.path, "sys", "keys", "stale")
    hold.mkdir(mode=0o700)
    (hold / f"{AN_ID}QQ").write_bytes(b"{}\n")
    assert "fixed: let go" in cli("doctor", "--fix").out
    assert not hold.exists()
    assert cli("doctor").status == 0


def test_what_could_be_meant_in_two_ways_is_left(cli: Callable, used: Spool) -> None:
    root = Path(used.path)
    name = names(used.path, "ready")[0]
    os.link(root / "ready" / name, root / "backup")
    (root / "failed" / name).write_bytes(b"the same job once more")
    os.chmod(root / "failed" / name, 0o600)
    before = tasks(used)
    told = cli("doctor", "--fix")
    assert told.status == 1
    assert tasks(used) == before
    assert "left" in told.lines[-1]


def test_nfs_leftovers_are_not_touched(cli: Callable, used: Spool) -> None:
    place = Path(used.path, "ready", ".nfs000000000012")
    place.touch()
    cli("doctor", "--fix")
    assert place.exists()


@pytest.mark.guarantee("I8")
def test_no_task_is_deleted_whatever_is_mended(cli: Callable, used: Spool) -> None:
    root = Path(used.path)
    before = census(used.path)
    for directory in ("ready", "leased", "delayed", "done", "failed"):
        (root / directory / "a\n\x1b[31mb").write_text("hostile")
        os.chmod(root / directory, 0o777)
    told = cli("doctor", "--fix").good()
    assert "\x1b" not in told.out
    assert census(used.path) == before


def test_json_tells_what_was_done(cli: Callable, used: Spool) -> None:
    Path(used.path, "ready", "notes.txt").touch()
    (found,) = cli("doctor", "--json").objects
    assert found["fixed"] is None
    (found,) = cli("doctor", "--fix", "--json").good().objects
    assert found["fixed"].startswith("moved to quarantine/")
    assert found["path"] == "ready/notes.txt"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a spool to somebody else")
def test_another_users_spool_is_not_mended(cli: Callable, used: Spool) -> None:
    Path(used.path, "ready", "notes.txt").touch()
    os.chown(used.path, 4711, 4711)
    assert "owner" in cli("doctor", "--fix").bad(1)
    assert Path(used.path, "ready", "notes.txt").exists()
