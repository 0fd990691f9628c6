"""Unique keys: one key, one job, for as long as the job is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_tidy, jobs_on_disk, names
from support.waits import eventually

from spoolq import Empty, InvalidTask, JobStatus, SpoolDamaged
from spoolq.queue import internals
from spoolq.verbs import publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def _ready(spool: Spool) -> None:
    pass


def _leased(spool: Spool) -> None:
    spool.get_job(timeout=0)


def _retried_later(spool: Spool) -> None:
    spool.get_job(timeout=0).fail("later", delay=3600)


def _done(spool: Spool) -> None:
    spool.get_job(timeout=0).done()


def _failed(spool: Spool) -> None:
    spool.get_job(timeout=0).fail("for good", retry=False)


def _cancelled(spool: Spool) -> None:
    spool.cancel(next(iter(spool.list())).id)


@pytest.mark.parametrize("move", [_ready, _leased, _retried_later, _done, _failed, _cancelled])
def test_same_key_gives_the_same_id_in_every_state(
    spool: Spool, open_again: Callable[..., Spool], move: Callable[[Spool], None]
) -> None:
    job_id = spool.publish(b"first", key="report-2026")
    move(spool)
    before = spool.get(job_id)
    assert spool.publish(b"second", key="report-2026") == job_id
    assert open_again(spool).publish(b"third", key="report-2026", priority=1, delay=5) == job_id
    assert spool.get(job_id) == before
    assert len(jobs_on_disk(spool.path)) == 1


def test_key_of_a_delayed_job_holds_too(spool: Spool) -> None:
    job_id = spool.publish(b"first", key="k", delay=3600)
    assert spool.publish(b"second", key="k") == job_id
    assert spool.get(job_id).status is JobStatus.DELAYED


def test_first_one_with_the_key_counts(spool: Spool) -> None:
    spool.publish(b"first", key="k", headers={"who": "first"})
    spool.publish(b"second", key="k", headers={"who": "second"})
    job = spool.get_job(timeout=0)
    assert (job.task, job.headers) == (b"first", {"who": "first"})
    job.done()
    with pytest.raises(Empty):
        spool.get_job(timeout=0)
    assert_spool_tidy(spool.path)


KEYS = ["a", "A", "a.b", "a_b", "a-b", "2026-11-24.report", "-", "_", "x" * 200]


def test_different_keys_are_different_jobs_that_differ_at_all(spool: Spool) -> None:
    ids = {key: spool.publish(key.encode(), key=key) for key in KEYS}
    assert len(set(ids.values())) == len(KEYS)
    for key, job_id in ids.items():
        assert spool.publish(b"again", key=key) == job_id
    assert sorted(spool.get_job(timeout=0).task for _ in KEYS) == sorted(k.encode() for k in KEYS)


def test_key_is_free_again_when_its_job_is_pruned(spool: Spool) -> None:
    first = spool.publish(b"first", key="k")
    spool.get_job(timeout=0).done()
    assert spool.prune(older_than_seconds=0).removed == 1
    second = spool.publish(b"second", key="k")
    assert second != first
    assert spool.get_job(timeout=0).task == b"second"
    assert spool.publish(b"third", key="k") == second


def test_job_says_its_key_in_details(spool: Spool) -> None:
    job_id = spool.publish(b"task", key="nightly.report")
    assert spool.details(job_id)["key"] == "nightly.report"


@pytest.mark.parametrize(
    "key",
    ["", "a b", "a/b", "../../escape", ".", "..", ".a", "a.", "ключ", "a\nb", "\x1b", "x" * 201],
)
def test_key_outside_the_grammar_is_refused_before_it_touches_a_path(
    spool: Spool, key: str
) -> None:
    with pytest.raises(InvalidTask, match="key"):
        spool.publish(b"task", key=key)
    assert spool.stats().ready == 0
    assert_spool_tidy(spool.path)


@pytest.mark.parametrize("held", [True, False], ids=["holder-gone", "empty"])
def test_key_that_leads_nowhere_is_swept_by_prune(
    make_spool: Callable[..., Spool], held: bool
) -> None:
    spool = make_spool(sweep_seconds=0)
    job_id = spool.publish(b"task", key="k")
    (Path(spool.path) / "ready" / job_id).unlink()
    if not held:
        (Path(spool.path) / "sys" / "keys" / "k" / job_id).unlink()
    kept = spool.publish(b"task", key="kept")
    eventually(lambda: spool.prune() and names(spool.path, "sys/keys") == ["kept"], what="swept")
    assert spool.publish(b"again", key="kept") == kept


def test_task_of_a_publisher_that_died_holding_the_key_is_published_by_the_sweep(
    make_spool: Callable[..., Spool],
) -> None:
    spool = make_spool(sweep_seconds=0)
    job_id = spool.publish(b"task", key="k")
    root = Path(spool.path)
    (root / "ready" / job_id).rename(root / "sys" / "tmp" / job_id)
    eventually(lambda: spool.reap().swept == 1, what="published by the sweep")
    assert spool.get(job_id).status is JobStatus.READY
    assert_spool_tidy(spool.path)


@pytest.mark.guarantee("I8")
@pytest.mark.parametrize("kind", ["file", "link", "pipe", "full directory"])
def test_foreign_thing_in_place_of_a_key_is_an_error_not_a_wait_for_ever(
    spool: Spool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Found by swapping things between two system calls: publish tried again and again.
    monkeypatch.setattr(publish, "MOST_TRIES_FOR_A_KEY", 20)
    place = Path(spool.path, "sys", "keys", "k")
    if kind == "full directory":
        place.mkdir()
        (place / "foreign").write_bytes(b"")
    elif kind == "link":
        place.symlink_to("/nowhere")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.write_bytes(b"")
    with pytest.raises(SpoolDamaged, match=r"sys/keys/k.*spoolq doctor"):
        spool.publish(b"task", key="k")
    assert names(spool.path, "sys/tmp") == []
    assert names(spool.path, "sys/meta") == []
    assert spool.publish(b"task", key="another")


@pytest.mark.guarantee("I3")
def test_who_finds_a_key_taken_sees_that_the_key_is_kept(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The simulator's seed 451: its publisher had died before the sync, the power failed, and the
    # key led to another job.
    spool = make_spool(durability="publish")
    job_id = spool.publish(b"task", key="k")
    fs = internals(spool).fs
    synced: list[str] = []
    monkeypatch.setattr(fs, "sync_directory", synced.append)
    assert spool.publish(b"again", key="k") == job_id
    assert set(synced) == {"ready", "sys/keys"}
