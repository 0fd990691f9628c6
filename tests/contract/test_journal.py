"""The journal: what became of attempts is written down in passing, and costs endings nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.processes import environment
from support.waits import eventually
from support.workers import exit_code, forked

from spoolq.errors import LeaseLost
from spoolq.queue import internals
from spoolq.rules import journal as grammar
from spoolq.rules import names
from spoolq.verbs import journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool
    from spoolq.rules.journal import Attempt

DAY = 86400.0


@pytest.fixture
def journaled(make_spool: Callable[..., Spool]) -> Spool:
    """A spool with a journal, leases of 60 s."""
    return make_spool(journal_seconds=7 * DAY)


def told(spool: Spool, since: float = 0.0) -> list[Attempt]:
    """What its journal tells, in the order of the endings."""
    found = list(journal.read(internals(spool), since))
    found.reverse()  # each file is read from its end
    return sorted(found, key=lambda attempt: attempt.ended_at)


def files(spool: Spool) -> list[Path]:
    room = Path(spool.path) / "sys" / "journal"
    return sorted(room.iterdir()) if room.exists() else []


def write(spool: Spool) -> None:
    """As a second later, or the end of the process, would."""
    kept = internals(spool).journal
    assert kept is not None
    kept.write()


def counted(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The seam's operations that a spool does from now on, those on the journal."""
    fs, seen = internals(spool).fs, []
    for operation in ("create", "append", "mkdir", "list", "rename"):
        real = getattr(fs, operation)

        def spy(*args: Any, _real: Any = real, _operation: str = operation) -> Any:
            if args[0].startswith("sys/journal"):
                seen.append(_operation)
            return _real(*args)

        monkeypatch.setattr(fs, operation, spy)
    return seen


def test_journal_tells_each_attempt_when_and_by_whom(journaled: Spool) -> None:
    ids = journaled.publish_many([b"done", b"failed", b"released", b"given up"])
    first, second, third, fourth = (journaled.get_job(timeout=0) for _ in range(4))
    first.done()
    second.fail("no such page", delay=60)
    third.release(delay=60)
    fourth.fail("x" * 5000, retry=False)
    write(journaled)
    found = told(journaled)
    assert [(one.outcome, one.id) for one in found] == [
        ("done", ids[0]),
        ("failed", ids[1]),
        ("released", ids[2]),
        ("gave_up", ids[3]),
    ]
    for one in found:
        assert (one.owner, one.attempt) == (journaled.owner, 1)
        published = names.published_at(one.id)
        assert published is not None
        assert published - 0.1 <= one.taken_at <= one.ended_at + 0.02
    assert [one.reason for one in found[:3]] == [None, "no such page", None]
    assert found[3].reason == "x" * grammar.REASON_CHARACTERS


def test_an_expired_lease_is_told_with_its_dead_holder(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    holder = make_spool(journal_seconds=DAY, lease_seconds=0.2)
    job_id = holder.publish(b"task")
    job = holder.get_job(timeout=0)
    other = open_again(holder)
    eventually(lambda: other.reap().returned, what="the lease expired")
    with pytest.raises(LeaseLost):
        job.done()
    write(other)
    write(holder)
    (only,) = told(holder)
    assert (only.outcome, only.id, only.owner) == ("expired", job_id, holder.owner)
    assert only.ended_at - only.taken_at >= 0.19


def test_an_ending_touches_no_file_of_the_journal(
    journaled: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counted(journaled, monkeypatch)
    monkeypatch.setattr(internals(journaled).clock, "local", lambda: 1000.0)
    journaled.publish_many([b"task"] * 50)
    for job in journaled.get_jobs(50, timeout=0):
        job.done()
    assert seen == []
    assert journaled.get_jobs(1, timeout=0) == []
    assert seen == []  # no second has passed


def test_a_second_later_the_next_take_writes_all_with_one_append(
    journaled: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(internals(journaled).clock, "local", lambda: now[0])
    journaled.publish_many([b"task"] * 50)
    for job in journaled.get_jobs(50, timeout=0):
        job.done()
    seen = counted(journaled, monkeypatch)
    now[0] += grammar.WRITE_EVERY_SECONDS
    journaled.get_jobs(1, timeout=0)
    assert seen == ["append", "mkdir", "append"]  # the first time of all the directory is missing
    assert len(told(journaled)) == 50


def test_closing_writes_the_rest(journaled: Spool, open_again: Callable[..., Spool]) -> None:
    journaled.publish(b"task")
    journaled.get_job(timeout=0).done()
    journaled.close()
    assert [one.outcome for one in told(open_again(journaled.path))] == ["done"]


def test_a_process_that_ends_without_closing_has_written_all(journaled: Spool) -> None:
    journaled.publish_many([b"task"] * 3)
    script = (
        "import sys; from spoolq import Spool; s = Spool(sys.argv[1])\n"
        "for job in s.get_jobs(3, timeout=0): job.done()\n"
    )
    command = [sys.executable, "-c", script, journaled.path]
    subprocess.run(command, env=environment(), check=True, timeout=60)
    assert [one.outcome for one in told(journaled)] == ["done"] * 3


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_tells_its_own_attempts_only(journaled: Spool) -> None:
    journaled.publish_many([b"parent's", b"child's"])
    journaled.get_job(timeout=0).done()

    def child() -> None:
        journaled.get_job(timeout=10).done()
        journaled.close()

    assert exit_code(forked(child)) == 0
    write(journaled)
    found = told(journaled)
    assert len(found) == 2
    assert len({one.id for one in found}) == 2
    assert len({one.owner for one in found}) == 2


def test_setting_of_zero_writes_none(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(journal_seconds=0)
    spool.publish(b"task")
    spool.get_job(timeout=0).done()
    write(spool)
    assert files(spool) == []
    assert told(spool) == []


def test_lines_that_cannot_be_read_are_skipped(journaled: Spool) -> None:
    journaled.publish_many([b"task"] * 2)
    for job in journaled.get_jobs(2, timeout=0):
        job.done()
    write(journaled)
    (file,) = files(journaled)
    whole = file.read_bytes()
    file.write_bytes(
        b'\xff\n["done"]\n["done","../../etc",1,1,1]\n["done",1,2,NaN,true]\n[[[[\n' + whole[:-7]
    )
    (file.parent / "notes.txt").write_bytes(whole)
    os.mkfifo(file.parent / f"{names.JournalName(1e9, 'a-1-B')}")
    assert len(told(journaled)) == 1


def test_reading_since_a_time_leaves_out_what_ended_before(journaled: Spool) -> None:
    journaled.publish_many([b"early", b"late"])
    early, late = journaled.get_jobs(2, timeout=0)
    early.done()
    write(journaled)
    (first,) = told(journaled)
    eventually(lambda: internals(journaled).clock.now() > first.ended_at + 0.002)  # it tells ms
    late.done()
    write(journaled)
    ended = [one.id for one in told(journaled, since=first.ended_at + 0.0005)]
    assert ended == [late.id]
    assert told(journaled, since=first.ended_at + DAY) == []


def test_a_full_disk_loses_statistics_and_nothing_else(
    journaled: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(name: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    job_id = journaled.publish(b"task")
    with monkeypatch.context() as patch:
        patch.setattr(internals(journaled).fs, "append", full)
        journaled.get_job(timeout=0).done()
        write(journaled)
    assert journaled.get(job_id).outcome == "done"
    journaled.publish(b"another")
    journaled.get_job(timeout=0).done()
    write(journaled)
    assert len(told(journaled)) == 1


def old_file(spool: Spool, begun: float, size: int = 100) -> Path:
    room = Path(spool.path) / "sys" / "journal"
    room.mkdir(exist_ok=True)
    path = room / str(names.JournalName(begun, f"gone-1-{names.base32(os.urandom(10))}"))
    path.write_bytes(b"\n" * size)
    return path


def test_old_files_are_pruned_and_young_ones_stay(journaled: Spool) -> None:
    now = internals(journaled).clock.now()
    old = old_file(journaled, now - 9 * DAY)
    young = old_file(journaled, now - 6 * DAY)
    foreign = young.parent / "notes.txt"
    foreign.touch()
    assert journal.prune(internals(journaled)) == 1
    assert (old.exists(), young.exists(), foreign.exists()) == (False, True, True)


@pytest.mark.parametrize("bound", ["MOST_FILES", "MOST_TOTAL_BYTES"])
def test_what_is_too_much_goes_oldest_first(
    journaled: Spool, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    now = internals(journaled).clock.now()
    paths = [old_file(journaled, now - 1000 + number) for number in range(5)]
    monkeypatch.setattr(grammar, bound, 2 if bound == "MOST_FILES" else 250)
    assert journal.prune(internals(journaled)) == 3
    assert files(journaled) == paths[3:]


def test_a_full_file_is_followed_by_another(
    journaled: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grammar, "FILE_BYTES", 1)
    journaled.publish_many([b"task"] * 6)
    for job in journaled.get_jobs(6, timeout=0):
        job.done()
        write(journaled)
    assert len(files(journaled)) == 6
    assert len(told(journaled)) == 6


def test_very_many_endings_within_a_second_are_bounded_in_memory(
    journaled: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internals(journaled).clock, "local", lambda: 1000.0)
    monkeypatch.setattr("spoolq.verbs.journal.MOST_PARTS", 10 * grammar.PARTS)
    journaled.publish_many([b"task"] * 25)
    for job in journaled.get_jobs(25, timeout=0):
        job.done()
    assert len(told(journaled)) == 20
