"""`spoolq wait`."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support.processes import cpu_seconds, wait_until_blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def end(spool: Spool, how: str = "done") -> str:
    """Publish a job and end it; its id."""
    job_id = spool.publish(b"", priority=0)
    if how == "cancelled":
        spool.cancel(job_id)
        return job_id
    job = spool.get_job(0)
    assert job.id == job_id
    if how == "done":
        job.done()
    else:
        job.fail("broken", retry=False)
    return job_id


def test_all_done_is_0_and_silent(cli: Callable, spool: Spool) -> None:
    ran = cli("wait", end(spool), end(spool)).good()
    assert (ran.out, ran.err) == ("", "")


@pytest.mark.parametrize(
    ("how", "said"), [("failed", "failed: broken"), ("cancelled", "was cancelled")]
)
def test_failed_and_cancelled_are_6_and_named(
    cli: Callable, spool: Spool, how: str, said: str
) -> None:
    bad = end(spool, how)
    assert cli("wait", end(spool), bad).bad(6) == f"spoolq: job {bad} {said}\n"


def test_unknown_is_5_also_beside_failures(cli: Callable, spool: Spool) -> None:
    ran = cli("wait", end(spool, "failed"), "nope", end(spool))
    assert ran.status == 5
    assert "unknown job 'nope'" in ran.err
    assert "failed" in ran.err


def test_timeout_is_3_and_counts(cli: Callable, spool: Spool) -> None:
    ids = [spool.publish(b""), end(spool), spool.publish(b"")]
    assert "2 of 3 jobs" in cli("wait", "--timeout", "200ms", *ids).bad(3)


def test_json_tells_each_job_once(cli: Callable, spool: Spool) -> None:
    ids = [end(spool), end(spool, "failed")]
    ran = cli("wait", "--json", *ids, ids[0])
    assert ran.status == 6
    assert [(found["id"], found["outcome"]) for found in ran.objects] == [
        (ids[0], "done"),
        (ids[1], "failed"),
    ]


def test_ids_from_standard_input(cli: Callable, spool: Spool) -> None:
    ids = [end(spool), end(spool)]
    ran = cli("wait", "--json", "-", stdin="\n".join(ids).encode() + b"\n").good()
    assert [found["id"] for found in ran.objects] == ids


def test_it_wakes_when_the_last_one_ends(spool: Spool, start: Callable) -> None:
    ids = [spool.publish(b""), spool.publish(b"")]
    process = start("wait", *ids)
    one, two = spool.get_jobs(2, 0)
    two.done()
    assert process.poll() is None
    one.fail("broken", delay=0)
    again = spool.get_job(0)
    assert process.poll() is None
    again.done()
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 0


@pytest.mark.parametrize("words", [("--all",), ()])
def test_waiting_costs_next_to_nothing(
    spool: Spool, start: Callable, words: tuple[str, ...]
) -> None:
    job_id = spool.publish(b"", delay=3600)
    process = start("wait", *(words or (job_id,)))
    wait_until_blocked(process.pid)
    before = cpu_seconds(process.pid)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    assert cpu_seconds(process.pid) - before < 0.3
    spool.cancel(job_id)
    assert process.wait(20) == 6


def test_all_of_an_empty_spool_is_0(cli: Callable) -> None:
    assert cli("wait", "--all").good().err == ""


def test_all_waits_for_every_state(spool: Spool, start: Callable) -> None:
    delayed = spool.publish(b"", delay=3600)
    spool.publish(b"")
    leased = spool.get_job(0)
    ready = spool.publish(b"")
    process = start("wait", "--all")
    wait_until_blocked(process.pid)
    for end_it in (leased.done, lambda: spool.get_job(0).done()):
        end_it()
        assert process.poll() is None
    assert spool.get(ready).status.name == "DONE"
    spool.cancel(delayed)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 6
    assert said == b"spoolq: all jobs have ended: 0 in failed/, 1 cancelled meanwhile\n"


def test_all_is_6_while_failed_jobs_are_there(cli: Callable, spool: Spool) -> None:
    end(spool, "cancelled")
    assert cli("wait", "--all").good()
    end(spool, "failed")
    assert "1 in failed/" in cli("wait", "--all").bad(6)


def test_all_times_out(cli: Callable, spool: Spool) -> None:
    spool.publish(b"")
    said = cli("wait", "--all", "--timeout", "100ms").bad(3)
    assert "timed out: there are jobs that have not ended" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give either IDs or --all"),
        (("--all", "x"), "give either IDs or --all"),
        (("x", "--timeout", "never"), "argument --timeout: 'never' is no duration"),
    ],
)
def test_wrong_usage(cli: Callable, words: tuple[str, ...], why: str) -> None:
    assert why in cli("wait", *words).bad(2)
