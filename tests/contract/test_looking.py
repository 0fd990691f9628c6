"""Looking at a whole spool: bounded work, nothing moved, right whatever lies about."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import strangers
from support.crew import heartbeat

from spoolq.looking import census, recent, story, waits
from spoolq.looking.overview import Lookout
from spoolq.queue import internals
from spoolq.rules import health, names

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

WRITES = {"append", "write", "sync", "rename", "link", "mkdir", "rmdir", "touch_directory"}


class Counting:
    """A file system that counts what is asked of it, with the name for listings."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._fs, name)
        if not callable(found):
            return found

        def counted(*args: Any, **more: Any) -> Any:
            told = f"{name} {args[0]}" if name in {"list", "iterate"} else name
            self.calls[told] += 1
            return found(*args, **more)

        return counted


def counted(spool: Spool) -> Counting:
    """See to it that everything this Spool does is counted."""
    inside = internals(spool)
    fs = Counting(inside.fs)
    inside.fs = fs
    inside.clock._fs = fs
    return fs


def many(spool: Spool, state: str, count: int) -> None:
    """So many jobs in a state directory, made from outside."""
    for number in range(count):
        name = names.format_id(5, 1.7e9 + number, "ABCDEFGH")
        (Path(spool.path) / state / name).touch()


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of a hundred names, so that few jobs are many."""
    monkeypatch.setattr(census, "SAMPLE", 100)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("state", ["ready", "done", "failed"])
def test_the_work_of_a_look_does_not_grow_with_the_jobs(spool: Spool, state: str) -> None:
    many(spool, state, 300)
    fs = counted(spool)
    seen = Lookout(internals(spool)).look()
    assert seen.counts[state] == 300
    listings = {told: n for told, n in fs.calls.items() if told.startswith(("list", "iterate"))}
    assert max(listings.values()) == 1
    looked_up = fs.calls["lstat"] + fs.calls["read"] + fs.calls["read_record"]
    assert looked_up <= census.SAMPLE + 30
    assert not {told for told in fs.calls if told.partition(" ")[0] in WRITES}
    assert seen.recent.is_exact == (state == "ready")


@pytest.mark.usefixtures("small_sample")
def test_a_sample_estimates_what_ended_lately(spool: Spool) -> None:
    many(spool, "done", 300)
    seen = Lookout(internals(spool)).look()
    # All of them were made just now.
    assert seen.recent.done == 300
    assert not seen.recent.is_exact


@pytest.mark.usefixtures("small_sample")
def test_the_journal_tells_where_a_sample_would_guess(make_spool: Callable) -> None:
    spool = make_spool("journalled", journal_seconds=3600)
    many(spool, "done", 150)
    spool.publish_many([b""] * 4)
    for _ in range(4):
        spool.get_job(0).done()
    internals(spool).journal.write()
    assert Lookout(internals(spool)).look().recent.done == 4


def test_what_has_not_changed_is_not_listed_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "_SETTLED_SECONDS", -1.0)
    monkeypatch.setattr(census, "RELIST_COST", 0.0)
    spool.publish_many([b""] * 3)
    lookout = Lookout(internals(spool))
    assert lookout.look().counts["ready"] == 3
    fs = counted(spool)
    assert lookout.look().counts["ready"] == 3
    assert not fs.calls["iterate ready"]
    os.utime(Path(spool.path) / "ready")
    spool.publish(b"")
    assert lookout.look().counts["ready"] == 4
    assert fs.calls["iterate ready"] == 1


def test_very_many_leases_are_counted_and_some_of_them_read(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "MAX_LEASES", 5)
    spool.publish_many([b""] * 9)
    for _ in range(9):
        spool.get_job(0)
    leases = Lookout(internals(spool)).look().leases
    assert (leases.total, leases.looked_at, leases.unread) == (9, 5, 0)
    assert leases.oldest_seconds is not None


@pytest.mark.guarantee("I8")
def test_foreign_things_everywhere_are_not_counted_and_stop_no_look(
    spool: Spool, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.write_bytes(strangers.SECRET)
    spool.publish(b"")
    job_id = names.format_id(5, 1.7e9, "ABCDEFGH")
    for room in ("leased", "done", "failed", "delayed", "sys/history", "sys/workers"):
        place = Path(spool.path) / room
        strangers.fifo(place / "notes.txt", canary)
        strangers.dangling_link(place / ".hidden", canary)
    strangers.fifo(Path(spool.path) / f"sys/workers/{'a-1-ABCDEFGH22'}.1", canary)
    strangers.link_to_file(Path(spool.path) / "sys/workers/b-1-ABCDEFGH22.1", canary)
    moment = names.format_time(internals(spool).clock.now())
    strangers.fifo(Path(spool.path) / f"sys/history/{job_id}.{moment}.ABCDEFGH", canary)
    strangers.fifo(Path(spool.path) / f"leased/{job_id}.1.c-1-ABCDEFGH22", canary)
    strangers.fifo(Path(spool.path) / "leased/c-1-ABCDEFGH22.lease", canary)
    seen = Lookout(internals(spool)).look()
    assert seen.counts["ready"] == 1
    assert seen.workers == ()
    assert (seen.leases.total, seen.leases.unread) == (1, 1)
    assert health.needs_a_look(seen)


def test_a_worker_whose_record_moves_on_while_we_look_is_seen(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat(spool, n=1)
    inside = internals(spool)
    read = type(inside).read_record
    first = Path(spool.path) / "sys/workers/alpha-4711-ABCDEFGH22.1"

    def moves_on(self: Any, name: str) -> bytes | None:
        if name.endswith(".1") and first.exists():
            heartbeat(spool, n=2, done=5)
            first.unlink()
        return read(self, name)

    monkeypatch.setattr(type(inside), "read_record", moves_on)
    (worker,) = Lookout(inside).look().workers
    assert worker.done == 5


def test_a_story_reads_a_bounded_part_of_the_journal(
    make_spool: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool("journalled", journal_seconds=3600)
    job_id = spool.publish(b"")
    spool.get_job(0).done()
    internals(spool).journal.write()
    details = spool.details(job_id)
    assert story.attempts(internals(spool), job_id, details)[0].owner == spool.owner
    monkeypatch.setattr(story, "MOST_JOURNAL_BYTES", 10)
    assert story.attempts(internals(spool), job_id, details)[0].owner is None


def test_a_situation_of_a_job_that_runs_or_has_ended_costs_no_listing_of_ready(
    spool: Spool,
) -> None:
    ids = spool.publish_many([b""] * 3)
    spool.get_job(0)
    spool.get_job(0).done()
    fs = counted(spool)
    for job_id in ids[:2]:
        waits.situation(internals(spool), spool.get(job_id))
    assert not fs.calls["iterate ready"]
    waits.situation(internals(spool), spool.get(ids[2]))
    assert fs.calls["iterate ready"] == 1


def test_events_are_told_newest_first_and_only_those_asked_for(spool: Spool) -> None:
    first, second = spool.publish(b""), spool.publish(b"")
    spool.get_job(0).fail("x", retry=False)
    spool.get_job(0).fail("y", retry=False)
    inside = internals(spool)
    found = list(recent.events_of(inside, recent.newest_events(inside, 0.0)))
    assert [event["id"] for event in found] == [second, first]
    assert recent.newest_events(inside, inside.clock.now() + 10) == []
