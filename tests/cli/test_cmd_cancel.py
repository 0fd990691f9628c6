"""`spoolq cancel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_a_waiting_job_never_runs(cli: Callable, spool: Spool) -> None:
    ready, delayed = spool.publish(b""), spool.publish(b"", delay=3600)
    ran = cli("cancel", ready, delayed).good()
    assert ran.lines == [f"{ready}  cancelled", f"{delayed}  cancelled"]
    assert "no job in" in cli("get").bad(3)
    assert [spool.get(job_id).outcome for job_id in (ready, delayed)] == ["cancelled"] * 2


def test_a_running_one_is_said_to_go_on(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    job = spool.get_job(0)
    ran = cli("cancel", job_id).good()
    assert ran.lines == [f"{job_id}  cancelled; its present run by {spool.owner} goes on"]
    job.done()
    assert spool.get(job_id).outcome == "cancelled"


def test_what_has_ended_stays_as_it_is(cli: Callable, spool: Spool) -> None:
    done, failed, cancelled = (spool.publish(b"") for _ in range(3))
    spool.get_job(0).done()
    spool.get_job(0).fail("", retry=False)
    cli("cancel", cancelled).good()
    ran = cli("cancel", done, failed, cancelled).good()
    assert ran.lines == [
        f"{done}  already done",
        f"{failed}  already failed",
        f"{cancelled}  already cancelled",
    ]
    assert spool.get(failed).status.name == "FAILED"


def test_an_unknown_id_is_5_after_the_rest_and_creates_nothing(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    ran = cli("cancel", "../x", "5-20260101T000000000000-AAAAAAAA", job_id)
    assert ran.status == 5
    assert ran.lines == [f"{job_id}  cancelled"]
    assert len(ran.err.splitlines()) == 2
    assert spool.stats().done == 1


def test_json_tells_whether_it_still_runs(cli: Callable, spool: Spool) -> None:
    running, waiting = spool.publish(b""), spool.publish(b"")
    spool.get_job(0)
    found = cli("cancel", "--json", running, waiting).good().objects
    assert [(one["id"], one["outcome"], one["still_running"]) for one in found] == [
        (running, "cancelled", True),
        (waiting, "cancelled", False),
    ]


def test_ids_from_standard_input(cli: Callable, spool: Spool) -> None:
    ids = spool.publish_many([b""] * 3)
    listed = cli("ls", "--ids", "ready").good().out
    ran = cli("cancel", "-", stdin=listed.encode()).good()
    assert [line.split()[0] for line in ran.lines] == ids
