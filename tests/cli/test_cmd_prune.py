"""`spoolq prune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import census, tasks_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.fixture
def ended(spool: Spool) -> Spool:
    """One job done, one failed, one ready."""
    spool.publish_many([b""] * 3)
    spool.get_job(0).done()
    spool.get_job(0).fail("", retry=False)
    return spool


def test_young_jobs_stay(cli: Callable, ended: Spool) -> None:
    assert cli("prune").good().lines == ["removed 0 jobs"]
    assert census(ended.path)["done"] == 1


def test_older_than_0_removes_what_is_done(cli: Callable, ended: Spool) -> None:
    assert cli("prune", "--older-than", "0").good().lines == ["removed 1 job"]
    assert census(ended.path) == {"ready": 1, "leased": 0, "delayed": 0, "done": 0, "failed": 1}


def test_failed_ones_only_when_asked(cli: Callable, ended: Spool) -> None:
    found = cli("prune", "--older-than", "0", "--failed", "--json").good().objects
    assert found == [{"removed": 2}]
    assert census(ended.path)["ready"] == 1


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("--keep", "2"), 2),
        (("--keep-bytes", "1500"), 3),
        (("--keep", "3", "--keep-bytes", "1000"), 2),
        (("--keep", "9", "--keep-bytes", "1M"), 4),
    ],
)
def test_so_many_or_so_much_is_kept_of_those_published_last(
    cli: Callable, spool: Spool, words: tuple[str, ...], left: int
) -> None:
    ids = [f"5-20260101T00000{second}000000-ABCDEFGH" for second in range(4)]
    for job_id, published in zip(spool.publish_many([bytes(700)] * 4), ids, strict=True):
        (Path(spool.path) / "ready" / job_id).rename(Path(spool.path) / "ready" / published)
    for job in spool.get_jobs(4, 0):
        job.done()
    removed = 4 - left
    said = f"removed {removed} job" + ("" if removed == 1 else "s")
    assert cli("prune", *words).good().lines == [said]
    assert list(tasks_in(spool.path, "done")) == ids[removed:]


@pytest.mark.parametrize(
    ("age", "why"), [("ever", "'ever' is no duration"), ("99999w", "seconds from 0 to 316224000")]
)
def test_wrong_usage_removes_nothing(cli: Callable, ended: Spool, age: str, why: str) -> None:
    before = census(ended.path)
    assert why in cli("prune", "--failed", "--older-than", age).bad(2)
    assert census(ended.path) == before
