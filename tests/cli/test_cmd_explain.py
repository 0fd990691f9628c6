"""`spoolq explain`: why a job is not running, and the exit status that says whether it waits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from support.crew import heartbeat
from support.spans import timeless

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

LATER = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(in \d+m\)"


def names(cli: Callable, job_id: str) -> list[str]:
    return [reason["name"] for reason in cli("explain", "--json", job_id).objects[0]["reasons"]]


def test_a_job_that_nothing_stands_in_the_way_of_is_next(cli: Callable, spool: Spool) -> None:
    heartbeat(spool)
    job_id = spool.publish(b"")
    assert cli("explain", job_id).good().lines == [f"{job_id} is next: nothing stands in its way"]


def test_nobody_takes_jobs_a_worker_or_a_lease_tells_otherwise(cli: Callable, spool: Spool) -> None:
    first, second = spool.publish(b""), spool.publish(b"")
    ran = cli("explain", first)
    assert ran.status == 3
    assert ran.lines == [
        f"{first} is waiting",
        "  nobody takes jobs: no worker is alive, no lease is held, nothing ended lately",
    ]
    spool.get_job(0)
    assert names(cli, second) == []
    heartbeat(spool, slots=1, running=[{"id": "x"}])
    assert names(cli, second) == ["all busy"]
    heartbeat(spool, n=2, draining=True)
    assert names(cli, second) == []


def test_workers_that_all_drain_take_nothing(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    heartbeat(spool, draining=True)
    assert names(cli, job_id) == ["draining"]
    heartbeat(spool, n=2, ago=3600)
    assert names(cli, job_id) == ["no workers"]


def test_a_paused_spool_and_jobs_before_it(cli: Callable, spool: Spool) -> None:
    spool.publish_many([b""] * 3)
    last, first = spool.publish(b"", priority=7), spool.publish(b"", priority=0)
    heartbeat(spool)
    spool.pause("the roof\x1bleaks")
    ran = cli("explain", last)
    assert ran.status == 3
    assert list(map(timeless, ran.lines[1:])) == [
        f"  the spool was paused TIME ago by {spool.owner}: the roof\\x1bleaks",
        "  4 jobs come before it",
    ]
    assert names(cli, first) == ["paused"]
    spool.resume()
    spool.get_job(0).done()
    assert cli("explain", last).lines[1:] == [
        "  3 jobs come before it, about 15m at the present rate"
    ]


def test_a_delayed_job_until_when_and_why(cli: Callable, spool: Spool) -> None:
    heartbeat(spool)
    delayed = spool.publish(b"", delay=3600)
    (line,) = cli("explain", delayed).lines[1:]
    assert re.fullmatch(rf"  delayed until {LATER}", line)
    failed = spool.publish(b"")
    spool.get_job(0).fail("no disk", delay=3600)
    (line,) = cli("explain", failed).lines[1:]
    assert re.fullmatch(rf"  attempt 1 failed: no disk; it waits its back-off until {LATER}", line)


def test_a_job_that_should_have_become_ready_long_ago(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"", delay=3600)
    (path,) = (Path(spool.path) / "delayed").iterdir()
    path.rename(path.with_name(f"20200101T000000000000.{job_id}"))
    assert names(cli, job_id) == ["overdue", "no workers"]
    assert cli("explain", job_id).status == 3


def test_a_leased_job_is_held_by_whom_until_when(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    job = spool.get_job(0)
    ran = cli("explain", job_id).good()
    assert ran.lines[0] == f"{job_id} is running"
    wanted = rf"  held by {spool.owner} \(host .+, pid \d+\) until .* UTC \(\d+s left\)"
    assert re.fullmatch(wanted, ran.lines[1])
    sidecar = Path(spool.path) / "leased" / f"{job.lease}.lease"
    told = json.loads(sidecar.read_text())
    told |= {"granted_at": "2020-01-01T00:00:00Z", "deadline": "2020-01-01T00:01:00Z"}
    sidecar.write_text(json.dumps(told))
    ran = cli("explain", job_id)
    assert ran.status == 3
    assert "whose lease ended at 2020-01-01 00:01:00 UTC" in ran.lines[1]


def test_ended_and_unknown_jobs(cli: Callable, spool: Spool) -> None:
    done, failed, cancelled = (spool.publish(b"") for _ in range(3))
    spool.get_job(0).done()
    spool.get_job(0).fail("broken", retry=False)
    spool.cancel(cancelled)
    assert cli("explain", done).good().lines == [f"{done} is done"]
    ran = cli("explain", failed)
    assert (ran.status, ran.lines[1]) == (6, "  broken")
    assert cli("explain", cancelled).status == 6
    for unknown in ("5-20260101T000000000000-AAAAAAAA", "../../etc/passwd"):
        ran = cli("explain", unknown)
        assert ran.bad(5) == f"spoolq: unknown job '{unknown}'\n"
        assert ran.out == ""
    ran = cli("explain", done, failed, "x")
    assert ran.bad(6) == "spoolq: unknown job 'x'\n"
    assert [line.split()[0] for line in ran.lines if line[0] != " "] == [done, failed]


def test_json_is_the_job_its_verdict_and_reasons(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"", delay=3600)
    (found,) = cli("explain", "--json", job_id).objects
    assert found["id"] == job_id
    assert found["verdict"] == "waiting"
    first = found["reasons"][0]
    assert first["name"] == "delayed"
    assert first["until"] == found["next_execution_at"]
    assert first["text"].startswith("delayed until ")
