"""`spoolq retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def fail(spool: Spool, count: int) -> list[str]:
    """Publish and fail so many jobs; their ids."""
    ids = spool.publish_many([b""] * count)
    for job in spool.get_jobs(count, 0):
        job.fail("broken", retry=False)
    return ids


def test_a_failed_job_starts_over(cli: Callable, spool: Spool) -> None:
    (job_id,) = fail(spool, 1)
    assert cli("retry", job_id).good().lines == [f"{job_id}  ready"]
    job = spool.get_job(0)
    assert (job.id, job.attempt) == (job_id, 1)


def test_all_failed_jobs(cli: Callable, spool: Spool) -> None:
    ids = fail(spool, 3)
    found = cli("retry", "--failed", "--json").good().objects
    assert [(one["id"], one["status"]) for one in found] == [(job_id, "ready") for job_id in ids]
    assert cli("retry", "--failed").good().out == ""


def test_other_jobs_stay_and_that_is_said(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    spool.get_job(0).done()
    assert cli("retry", job_id).good().lines == [f"{job_id}  done (had not failed)"]


def test_an_unknown_id_is_5_after_the_rest(cli: Callable, spool: Spool) -> None:
    (job_id,) = fail(spool, 1)
    ran = cli("retry", "nope", "../x", job_id)
    assert ran.status == 5
    assert ran.lines == [f"{job_id}  ready"]
    assert ran.err == "spoolq: unknown job 'nope'\nspoolq: unknown job '../x'\n"


@pytest.mark.parametrize("words", [(), ("--failed", "x")])
def test_wrong_usage_retries_nothing(cli: Callable, spool: Spool, words: tuple[str, ...]) -> None:
    fail(spool, 1)
    assert "give either IDs or --failed" in cli("retry", *words).bad(2)
    assert (spool.stats().failed, spool.stats().ready) == (1, 0)
