"""`spoolq prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.spools import census

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
    ("age", "why"), [("ever", "'ever' is no duration"), ("99999w", "seconds from 0 to 316224000")]
)
def test_wrong_usage_removes_nothing(cli: Callable, ended: Spool, age: str, why: str) -> None:
    before = census(ended.path)
    assert why in cli("prune", "--failed", "--older-than", age).bad(2)
    assert census(ended.path) == before
