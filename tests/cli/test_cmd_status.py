"""`spoolq status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def fill(spool: Spool) -> None:
    """One job leased, one done, one cancelled, one failed, two ready, one delayed."""
    spool.publish_many([b""] * 6)
    spool.publish(b"", delay=3600)
    leased, done, failed = spool.get_jobs(3, 0)
    assert leased
    done.done()
    failed.fail("broken", retry=False)
    spool.cancel(next(spool.list()).id)


def test_counts_are_aligned_and_uncoloured_without_a_terminal(cli: Callable, spool: Spool) -> None:
    spool.publish_many([b""] * 12)
    spool.get_job(0)
    ran = cli("status").good()
    assert ran.lines == [
        spool.path,
        "  ready    11   oldest waiting for 0s",
        "  leased    1",
        "  delayed   0",
        "  done      0",
        "  failed    0",
    ]


def test_json_has_the_documented_keys(cli: Callable, spool: Spool) -> None:
    fill(spool)
    (found,) = cli("status", "--json").good().objects
    age = found.pop("oldest_ready_seconds")
    assert 0 <= age < 60
    counts = {name: found.pop(name) for name in ("ready", "leased", "delayed", "done", "failed")}
    assert sum(counts.values()) == 7
    assert (counts["done"], counts["failed"], counts["delayed"]) == (2, 1, 1)
    assert found == {"path": spool.path, "paused": None}


def test_a_paused_spool_says_why(cli: Callable, spool: Spool) -> None:
    spool.pause("the roof\x1b[0m leaks")
    assert cli("status").good().lines[-1] == "  paused: the roof\\x1b[0m leaks"
    assert cli("status", "--json").good().objects[0]["paused"] == "the roof\x1b[0m leaks"
    spool.pause()
    assert cli("status").good().lines[-1] == "  paused"
