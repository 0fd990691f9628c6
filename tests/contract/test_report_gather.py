"""What a report tells of a spool: the journal, and what ended without a line in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.journals import server_now, some_id, write_journal
from support.spools import everything_under

from spoolq.queue import internals
from spoolq.report.gather import Row, Story, gather
from spoolq.rules.journal import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from spoolq import Spool


def told(spool: Spool, seconds: float = 3600) -> Story:
    return gather(internals(spool), server_now(spool) - seconds)


def test_jobs_of_a_journal_are_told_once(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(journal_seconds=3600)
    ids = spool.publish_many([b"done", b"failed", b"given up", b"waits", b"runs"])
    first, second, third = (spool.get_job(timeout=0) for _ in range(3))
    first.done(b"with a record")
    second.fail("at first", delay=0)
    third.fail("for good", retry=False)
    again = spool.get_jobs(1, timeout=0)
    kept = internals(spool).journal
    assert kept is not None
    kept.write()
    story = told(spool)
    assert sorted((row.outcome, row.id) for row in story.rows) == sorted(
        [("done", ids[0]), ("failed", ids[1]), ("gave_up", ids[2])]
    )
    assert story.counts == {"ready": 2, "leased": 1, "delayed": 0, "done": 1, "failed": 1}
    assert [job_id for job_id, _, _ in story.running] == [job.id for job in again]
    assert story.running[0][1] == spool.owner
    assert story.untold == 0


def test_jobs_without_a_journal_are_found_where_they_ended(spool: Spool) -> None:
    ids = spool.publish_many([b"done", b"failed", b"cancelled"])
    done, failed = spool.get_jobs(2, timeout=0)
    done.done()
    failed.fail("no page", retry=False)
    spool.cancel(ids[2])
    found = {row.id: row for row in told(spool).rows}
    assert {found[job_id].outcome for job_id in ids} == {"done", "gave_up", "cancelled"}
    assert (found[ids[1]].reason, found[ids[1]].owner) == ("no page", spool.owner)
    assert found[ids[1]].taken_at is not None
    assert found[ids[0]].taken_at is None


def test_what_ended_before_the_time_asked_for_is_left_out(spool: Spool) -> None:
    now = server_now(spool)
    young, old = (
        Attempt("done", some_id(now - age - 2), 1, now - age - 1, now - age, "alpha-1")
        for age in (100, 5000)
    )
    write_journal(spool, [old, young])
    assert [row.id for row in told(spool, 3600).rows] == [young.id]


def test_looks_at_single_jobs_are_bounded(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    from spoolq.report import gather as module

    monkeypatch.setattr(module, "MOST_LOOKS", 4)
    spool.publish_many([b""] * 10)
    for job in spool.get_jobs(10, timeout=0):
        job.done()
    story = told(spool)
    assert (len(story.rows), story.untold) == (4, 6)
    assert all(isinstance(row, Row) for row in story.rows)


def test_a_report_changes_nothing(spool: Spool) -> None:
    spool.publish_many([b""] * 4)
    spool.get_job(timeout=0).done()
    spool.get_job(timeout=0)
    spool.pause("for a look")
    before = everything_under(spool.path)
    assert told(spool).paused == "for a look"
    assert everything_under(spool.path) == before
