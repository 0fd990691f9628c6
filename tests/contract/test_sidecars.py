"""A sidecar that is missing or garbage: neither expired at once nor held for ever."""

from __future__ import annotations

import errno
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_tidy, names
from support.waits import eventually

from spoolq import JobStatus
from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

TERM = 1.0


def _stamp(offset_seconds: float) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=offset_seconds)
    return moment.isoformat().replace("+00:00", "Z")


def missing(sidecar: Path) -> None:
    sidecar.unlink()


def empty(sidecar: Path) -> None:
    sidecar.write_bytes(b"")


def cut_short(sidecar: Path) -> None:
    sidecar.write_bytes(sidecar.read_bytes()[:40])


def garbage(sidecar: Path) -> None:
    sidecar.write_bytes(b"\x00\xff\xfe garbage")


def enormous(sidecar: Path) -> None:
    with sidecar.open("r+b") as file:
        file.truncate(1 << 30)


def pipe(sidecar: Path) -> None:
    sidecar.unlink()
    os.mkfifo(sidecar)


def link(sidecar: Path) -> None:
    sidecar.unlink()
    sidecar.symlink_to("/etc/passwd")


def folder(sidecar: Path) -> None:
    sidecar.unlink()
    sidecar.mkdir()


def _rewrite(**changes: object) -> Callable[[Path], None]:
    def damage(sidecar: Path) -> None:
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | changes))

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": missing,
    "empty": empty,
    "cut-short": cut_short,
    "garbage": garbage,
    "enormous": enormous,
    "pipe": pipe,
    "link": link,
    "folder": folder,
    "list": lambda sidecar: sidecar.write_text("[]") and None,
    "no-deadline": _rewrite(deadline=None),
    "deadline-is-a-number": _rewrite(deadline=5),
    "deadline-long-ago": _rewrite(deadline="2001-01-01T00:00:00.000000Z"),
    "deadline-far-off": _rewrite(deadline="9998-01-01T00:00:00.000000Z"),
    "seconds-negative": _rewrite(lease_seconds=-5),
    "seconds-nan": _rewrite(lease_seconds=float("nan")),
    "granted-in-the-future": _rewrite(
        granted_at=_stamp(40 * 86400), deadline=_stamp(40 * 86400 + TERM), lease_seconds=TERM
    ),
}


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_lease_with_a_bad_sidecar_gets_a_full_term_from_when_it_is_noticed(
    make_spool: Callable[..., Spool],
    open_again: Callable[..., Spool],
    damage: Callable[[Path], None],
) -> None:
    spool = make_spool(lease_seconds=TERM)
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    damage(Path(spool.path) / "leased" / f"{job.lease}.lease")
    other = open_again(spool)
    noticing = time.monotonic()
    assert other.reap().returned == 0
    assert other.get(job_id).status is JobStatus.PROCESSING
    again = other.get_job(timeout=20)
    assert time.monotonic() - noticing > TERM - 0.05
    assert (again.id, again.attempt) == (job_id, 2)
    again.extend(60)
    again.done()
    left = [name for name in names(spool.path, "leased") if not name.endswith(".lease")]
    assert left == []


@pytest.mark.guarantee("I4")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_holder_ends_its_job_whatever_became_of_the_sidecar(
    spool: Spool, open_again: Callable[..., Spool], damage: Callable[[Path], None]
) -> None:
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    damage(Path(spool.path) / "leased" / f"{job.lease}.lease")
    open_again(spool).reap()
    job.done()
    assert spool.get(job_id).status is JobStatus.DONE


@pytest.mark.parametrize("damage", [missing, empty, garbage, cut_short])
def test_holder_renews_its_job_whatever_became_of_the_sidecar(
    make_spool: Callable[..., Spool], damage: Callable[[Path], None]
) -> None:
    spool = make_spool(lease_seconds=TERM)
    spool.publish(b"task")
    job = spool.get_job(timeout=0)
    damage(Path(spool.path) / "leased" / f"{job.lease}.lease")
    spool.reap()
    job.extend(60)
    damage_seen = time.monotonic()
    eventually(lambda: time.monotonic() > damage_seen + 2 * TERM)
    assert spool.reap().returned == 0
    job.done()
    spool.reap()
    assert_spool_tidy(spool.path)


def test_sidecar_of_nothing_is_swept_when_its_time_is_over(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(lease_seconds=0.3, sweep_seconds=0.3)
    job_id = spool.publish(b"task")
    job = spool.get_job(timeout=0)
    (Path(job.path)).rename(Path(spool.path) / "ready" / job_id)  # as if it had died in between
    assert names(spool.path, "leased") == [f"{job.lease}.lease"]
    eventually(lambda: spool.reap() and not names(spool.path, "leased"), what="swept")
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I5")
def test_sidecar_stays_while_a_task_under_it_cannot_be_taken_back(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The simulator's seed 21119: without it others give a grace anew, which is over for some
    # before it is for all.
    spool = make_spool(lease_seconds=0.2)
    spool.publish_many([b"task"] * 2)
    moved, kept = spool.get_jobs(2, timeout=0)
    fs = internals(spool).fs
    rename = fs.rename

    def refusing(source: str, target: str) -> None:
        if source.endswith(kept.name):
            raise PermissionError(errno.EACCES, "not yours to move", source)
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(fs, "rename", refusing)
        eventually(lambda: spool.reap().returned, what="the other one taken back")
    assert spool.get(moved.id).status is JobStatus.READY
    assert names(spool.path, "leased") == [kept.name, f"{kept.lease}.lease"]
    assert spool.reap().returned == 1
    assert_spool_tidy(spool.path)
