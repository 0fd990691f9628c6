"""On a network file system a late holder must not take the winner's end for its own lost reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def as_on_a_network(spool: Spool) -> Spool:
    """Make a spool take its directory for one on NFS."""
    internals(spool).fs.is_network = True  # type: ignore[misc]
    return spool


@pytest.mark.guarantee("I5")
@pytest.mark.parametrize("late", [b"late", None])
def test_late_done_on_a_network_leaves_the_winners_result(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool], late: bytes | None
) -> None:
    spool = as_on_a_network(make_spool(lease_seconds=0.2))
    job_id = spool.publish(b"task")
    first = spool.get_job(timeout=0)
    winner = as_on_a_network(open_again(spool, owner="winner")).get_job(timeout=20)
    winner.done(b"the winner's")
    first.done(late)  # quiet: the job is done
    assert spool.result(job_id) == b"the winner's"
    assert spool.details(job_id)["end"]["owner"] == "winner"
