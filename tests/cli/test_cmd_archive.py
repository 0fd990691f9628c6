"""`spoolq archive`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.spools import census, names
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_archived_jobs_are_shown_and_their_results_read(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"task")
    spool.get_job(0).done(b"result")
    (before,) = cli("show", "--json", job_id).good().objects
    eventually(lambda: cli("archive", "--older-than", "0").good().out.startswith("archived 1 job "))
    assert census(spool.path)["done"] == 0
    (after,) = cli("show", "--json", job_id).good().objects
    assert {**after, "path": ""} == {**before, "path": ""}
    assert "/archive/" in after["path"]
    assert job_id in cli("show", job_id).good().out
    assert cli("show", "--result", job_id).good().out == "result"
    cli("wait", job_id).good()


def test_young_jobs_stay(cli: Callable, spool: Spool) -> None:
    spool.publish(b"")
    spool.get_job(0).done()
    assert cli("archive").good().lines == ["archived 0 jobs"]
    assert cli("archive", "--json").good().objects == [{"archived": 0, "files": []}]
    assert names(spool.path, "archive") == []


@pytest.mark.parametrize(
    ("age", "why"), [("ever", "'ever' is no duration"), ("99999w", "seconds from 0 to 316224000")]
)
def test_wrong_usage_archives_nothing(cli: Callable, spool: Spool, age: str, why: str) -> None:
    spool.publish(b"")
    spool.get_job(0).done()
    assert why in cli("archive", "--older-than", age).bad(2)
    assert (census(spool.path)["done"], names(spool.path, "archive")) == (1, [])
