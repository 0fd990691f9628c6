"""A round of claims hands out what is still trusted when it has put back what is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from spoolq.holding.taking import Taking


@pytest.mark.guarantee("I5")
def test_job_whose_lease_ends_while_another_is_put_back_is_not_handed_out() -> None:
    # The simulator's seed 767: putting the one back hung for longer than the other's lease lasted.
    put_back: list[str] = []

    def job(name: str, *, lost: bool) -> Any:
        def release() -> None:
            put_back.append(name)
            first.lost = True

        return SimpleNamespace(name=name, lost=lost, release=release)

    first, second = job("first", lost=False), job("second", lost=True)
    third = job("third", lost=False)
    taking: Any = object.__new__(Taking)
    taking._spool = SimpleNamespace(clock=SimpleNamespace(local=lambda: 1.0))
    taking._leases = [SimpleNamespace(trusted_until=0.0)]
    taking.jobs = [first, second, third]
    assert taking.trusted_jobs() == [third]
    assert put_back == ["second", "first"]
