"""doctor --fix, when what it found has changed until it comes to repair it: looked at once more."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import everything_under, names

from spoolq import JobStatus, Spool
from spoolq.rules.names import format_id
from spoolq.upkeep import mending
from spoolq.upkeep.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

AN_ID = format_id(5, 1.79e9, "ABCDEFGH")
LEFTOVER = "sys/tmp/host-1-ABCDEFGHIJ.task"


def mended(spool: Spool, path: str, remedy: str) -> str | None:
    """What is done about a finding, true or not any more."""
    ((found, fixed),) = mending.mend(spool.path, [Finding(path, "what", "advice", remedy)])
    assert found.path == path
    return fixed


def test_what_has_become_ours_is_not_moved_away(spool: Spool) -> None:
    job_id = spool.publish(b"task")
    before = everything_under(spool.path)
    assert mended(spool, f"ready/{job_id}", "foreign") is None
    assert mended(spool, "ready/gone", "foreign") is None
    assert everything_under(spool.path) == before


def test_a_file_that_has_got_a_second_name_elsewhere_keeps_its_mode(
    spool: Spool, tmp_path: Path
) -> None:
    place = Path(spool.path, "ready", spool.publish(b"task"))
    place.chmod(0o640)
    os.link(place, tmp_path / "of-somebody-else")
    assert mended(spool, f"ready/{place.name}", "mode") is None
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    (tmp_path / "of-somebody-else").unlink()
    assert mended(spool, f"ready/{place.name}", "mode") == "chmod 600"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_lease_that_was_renewed_is_left_and_not_told_as_reaped(spool: Spool) -> None:
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    assert mended(spool, f"leased/{job.name}", "reap") is None
    job.done()


def test_a_leftover_that_is_young_is_left_and_not_told_as_swept(spool: Spool) -> None:
    Path(spool.path, LEFTOVER).touch(0o600)
    assert mended(spool, LEFTOVER, "sweep") is None
    assert Path(spool.path, LEFTOVER).exists()


def test_a_key_whose_publisher_may_be_at_it_is_not_let_go(spool: Spool) -> None:
    hold = Path(spool.path, "sys", "keys", "k")
    hold.mkdir(mode=0o700)
    (hold / f"{AN_ID}QQ").write_bytes(b"{}\n")
    coming = Path(spool.path, "sys", "tmp", f"{AN_ID}QQ")
    coming.touch(0o600)
    assert mended(spool, "sys/keys/k", "key") is None
    assert names(spool.path, "sys/keys/k") == [f"{AN_ID}QQ"]
    coming.unlink()
    assert mended(spool, "sys/keys/k", "key") == "let go"
    assert names(spool.path, "sys/keys") == []


def test_a_key_whose_job_has_come_is_not_let_go(spool: Spool) -> None:
    job_id = spool.publish(b"task", key="k")
    assert mended(spool, "sys/keys/k", "key") is None
    assert spool.publish(b"again", key="k") == job_id


def test_a_task_with_a_foreign_second_name_is_left_and_not_told_as_settled(
    spool: Spool, tmp_path: Path
) -> None:
    place = Path(spool.path, "ready", spool.publish(b"task"))
    os.link(place, tmp_path / "backup")
    assert mended(spool, f"ready/{place.name}", "double") is None
    assert place.read_bytes() == (tmp_path / "backup").read_bytes() == b"task"


@pytest.mark.parametrize(("code", "told"), [(errno.ENOENT, "gone by itself"), (errno.EACCES, None)])
def test_what_cannot_be_moved_is_left_and_the_rest_mended(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int, told: str | None
) -> None:
    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    job_id = spool.publish(b"task")
    Path(spool.path, "ready", job_id).chmod(0o640)
    Path(spool.path, "ready", "notes.txt").touch()
    monkeypatch.setattr(mending, "move_away", refused)
    findings = [
        Finding("ready/notes.txt", "not spoolq's", "", "foreign"),
        Finding(f"ready/{job_id}", "mode", "", "mode"),
        Finding("ready", "something nobody can mend", "", ""),
    ]
    fixed = [done for _, done in mending.mend(spool.path, findings)]
    assert fixed == [told, "chmod 600", None]
    assert spool.get(job_id).status is JobStatus.READY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a spool to somebody else")
def test_another_users_spool_is_mended_by_who_trusts_it(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool()
    Path(spool.path, "ready", "notes.txt").touch()
    os.chown(spool.path, 4711, 4711)
    monkeypatch.setenv("SPOOLQ_TRUST", "1")
    assert str(mended(spool, "ready/notes.txt", "foreign")).startswith("moved to quarantine/")
