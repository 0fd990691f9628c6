"""The worker's decisions without processes: times, names, progress, endings that are refused."""

from __future__ import annotations

import errno
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from spoolq.cli.progress import Progress
from spoolq.errors import LeaseLost, StorageError, StorageFull
from spoolq.queue import internals
from spoolq.rules import names
from spoolq.rules.settings import Settings
from spoolq.worker.endings import Endings, Outcome
from spoolq.worker.exits import Action, Verdict
from spoolq.worker.launch import header_variable
from spoolq.worker.limits import ENDING_SECONDS, limits_of
from spoolq.worker.listener import Counts
from spoolq.worker.options import WorkOptions

if TYPE_CHECKING:
    from spoolq import Spool

FULL = StorageFull(errno.ENOSPC, "No space left on device", "x")


def test_without_an_end_nothing_is_ever_too_late() -> None:
    limits = limits_of(WorkOptions(argv=("true",)))
    assert (limits.take_until, limits.stop_at) == (float("inf"), float("inf"))


def test_a_task_is_taken_only_if_it_can_end_and_stopped_in_time_for_its_grace() -> None:
    limits = limits_of(WorkOptions(stop_by=1000.0, grace_seconds=10.0, min_seconds=60.0))
    assert limits.stop_at == 1000.0 - 10.0 - ENDING_SECONDS
    assert limits.take_until == limits.stop_at - 60.0


@pytest.mark.parametrize(
    ("header", "variable"),
    [
        ("x", "X"),
        ("user-name", "USER_NAME"),
        ("a b.c", "A_B_C"),
        ("größe=1", "GR__E_1"),
        ("1", "1"),
    ],
)
def test_headers_become_names_that_shells_can_read(header: str, variable: str) -> None:
    assert header_variable(header) == variable


@pytest.mark.parametrize(
    ("name", "worker", "stops"),
    [
        ("node7-4711-ABCDEFGH22.12", ("node7-4711-ABCDEFGH22", 12), None),
        ("stop.node7-4711-ABCDEFGH22", None, "node7-4711-ABCDEFGH22"),
        ("stop-host.12", None, None),
        ("node7-4711-ABCDEFGH22.0", None, None),
        ("node7-4711-ABCDEFGH22", None, None),
        ("node7.12", None, None),
        ("stop.12", None, None),
    ],
)
def test_names_in_sys_workers(name: str, worker: tuple[str, int] | None, stops: str | None) -> None:
    found = names.parse_worker(name)
    assert (found and (found.worker, found.number)) == worker
    assert names.parse_stop(name) == stops
    assert found is None or str(found) == name
    assert stops is None or names.stop_name(stops) == name


def test_the_names_that_workers_give_themselves_are_of_the_grammar(spool: Spool) -> None:
    for worker in (internals(spool).token(), internals(spool).token()):
        assert names.parse_worker(f"{worker}.1") == names.WorkerName(worker, 1)
        assert names.parse_stop(names.stop_name(worker)) == worker


def test_progress_tells_counts_first_and_the_pace_once_it_is_known() -> None:
    progress = Progress()
    counts = Counts(running=2)
    assert progress.text(0.0, counts, 30, draining=False) == "0 done, 0 failed, 2 running, 30 left"
    counts.done, counts.failed, counts.retried = 18, 2, 1
    assert progress.text(10.0, counts, 10, draining=True) == (
        "18 done, 2 failed, 1 to be retried, 2 running, 10 left, 2.0/s, 6s to go; takes no more"
    )


def test_progress_counts_what_other_workers_take_too_and_forgets_what_is_long_ago() -> None:
    progress = Progress()
    counts = Counts()
    for second in range(1000):
        counts.done = second
        text = progress.text(float(second), counts, 10_000 - 10 * second, draining=False)
    assert text.endswith("999 done, 0 failed, 0 running, 10 left, 1.0/s, 1s to go")
    assert len(progress._seen) < 70


class Job:
    """Refuses to be ended in the given ways, one after the other, then lets itself be ended."""

    id, attempt, max_attempts = "5-id", 1, 0

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.calls: list[tuple[str, Any]] = []

    def _call(self, name: str, given: Any) -> None:
        self.calls.append((name, given))
        if self.refusals:
            raise self.refusals.pop(0)

    def done(self, run: Any = None) -> None:
        self._call("done", run)

    def release(self, delay: float = 0.0, *, reason: str | None = None) -> None:
        self._call("release", delay)

    def fail(self, reason: str, *, retry: bool, run: Any) -> None:
        self._call("fail", retry)


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def endings(told: list[Any]) -> Endings:
    spool: Any = SimpleNamespace(settings=Settings(), chance=lambda: 0.5)
    return Endings(
        spool,
        lambda job, outcome, verdict: told.append(outcome),
        lambda job, error: told.append(str(error)),
    )


def end(endings: Endings, job: Any, action: Action) -> None:
    endings.end(job, Verdict(action, "why"), {"exit_code": 0})


@pytest.mark.parametrize(
    ("action", "call", "outcome"),
    [
        (Action.DONE, ("done", {"exit_code": 0}), Outcome.DONE),
        (Action.RELEASE, ("release", 0.0), Outcome.RELEASED),
        (Action.POSTPONE, ("release", 1.0), Outcome.RELEASED),
        (Action.RETRY, ("fail", True), Outcome.RETRIED),
        (Action.FAIL, ("fail", False), Outcome.FAILED),
    ],
)
def test_each_verdict_has_its_move(
    endings: Endings, told: list[Any], action: Action, call: Any, outcome: Outcome
) -> None:
    job = Job()
    end(endings, job, action)
    assert (job.calls, told, len(endings)) == ([call], [outcome], 0)


def test_a_retry_that_uses_up_the_job_s_own_attempts_counts_as_failed(
    endings: Endings, told: list[Any]
) -> None:
    job = Job()
    job.max_attempts = 1
    end(endings, job, Action.RETRY)
    assert (job.calls, told) == ([("fail", False)], [Outcome.FAILED])


def test_where_a_record_has_no_room_the_work_still_counts(
    endings: Endings, told: list[Any]
) -> None:
    job = Job(FULL)
    end(endings, job, Action.DONE)
    assert [given for _, given in job.calls] == [{"exit_code": 0}, None]
    assert told == [Outcome.DONE]


def test_a_refused_end_is_told_once_and_tried_again_until_it_goes_through(
    endings: Endings, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = StorageError(errno.EIO, "Input/output error", "x")
    job = Job(error, error)
    end(endings, job, Action.FAIL)
    now = time.monotonic()
    assert len(endings) == 1
    endings.try_again()
    assert len(job.calls) == 1, "not before its time"
    for later in (100.0, 200.0):
        assert endings.next_at() <= now + later
        monkeypatch.setattr(time, "monotonic", lambda later=later: now + later)
        endings.try_again()
    assert told == [str(error), Outcome.FAILED]
    assert (len(endings), endings.next_at()) == (0, float("inf"))


def test_an_end_that_stays_refused_is_left_to_the_lease(endings: Endings, told: list[Any]) -> None:
    error = StorageError(errno.EROFS, "Read-only file system", "x")
    end(endings, Job(error, error, error), Action.DONE)
    endings.try_again(give_up=True)
    assert (len(endings), told) == (0, [str(error)])


def test_a_lost_lease_is_told_as_such(endings: Endings, told: list[Any]) -> None:
    end(endings, Job(LeaseLost("5-id", "lease", "gone")), Action.DONE)
    assert told == [Outcome.LOST]


def test_a_job_postponed_again_and_again_waits_longer_each_time(
    endings: Endings, told: list[Any]
) -> None:
    job = Job()
    for _ in range(4):
        end(endings, job, Action.POSTPONE)
    end(endings, job, Action.DONE)
    end(endings, job, Action.POSTPONE)
    delays = [given for name, given in job.calls if name == "release"]
    assert delays == [1.0, 2.0, 4.0, 8.0, 1.0]
