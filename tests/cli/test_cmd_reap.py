"""`spoolq reap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_an_expired_lease_is_taken_back_and_counted(cli: Callable, make_spool: Callable) -> None:
    hasty: Spool = make_spool("hasty", lease_seconds=0.2)
    job_id = hasty.publish(b"")
    cli("get", "-s", hasty.path).good()

    def reaped() -> bool:
        (found,) = cli("reap", "--json", "-s", hasty.path).good().objects
        assert set(found) == {"returned", "promoted", "failed", "swept"}
        return bool(found["returned"] == 1)

    eventually(reaped, what="the lease was taken back")
    assert hasty.get(job_id).reschedules == 1


def test_nothing_to_do_prints_zeros(cli: Callable) -> None:
    assert cli("reap").good().lines == ["returned 0  promoted 0  failed 0  swept 0"]
