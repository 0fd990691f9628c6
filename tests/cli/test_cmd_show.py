"""`spoolq show`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spans import timeless

from spoolq.queue import internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def facts(lines: list[str]) -> dict[str, str]:
    """Name -> value of the indented lines."""
    return {line[2:15].strip(): line[16:] for line in lines if line.startswith("  ")}


def test_a_leased_job(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken(b"12345", priority=3, key="k-1", headers={"kind": "x\x1b"}, max_attempts=4)
    job_id = name.partition(".")[0]
    lines = cli("show", job_id).good().lines
    assert lines[0] == job_id
    told = facts(lines)
    assert told["state"] == "leased"
    assert told["attempt"] == "1"
    assert told["lease"] == name.rpartition(".")[2]
    assert timeless(told["deadline"]).endswith("UTC (in TIME)")
    assert told["priority"] == "3"
    assert told["key"] == "k-1"
    assert told["header"] == "kind=x\\x1b"
    assert told["max attempts"] == "4"
    assert told["task"] == "5 bytes"
    assert told["path"] == f"{spool.path}/leased/{name}"


def test_a_failed_job_with_its_history(cli: Callable, taken: Callable) -> None:
    first = taken()
    cli("fail", "--delay", "0", "--reason", "once", first).good()
    second = cli("get").good().out.strip()
    cli("fail", "--no-retry", "--reason", "twice", second).good()
    lines = cli("show", first.partition(".")[0]).good().lines
    told = facts(lines)
    assert told["state"] == "failed"
    assert told["reason"] == "twice"
    assert told["attempt"] == "2"
    assert told["attempts"].startswith("1 failed, ")
    assert timeless(told["attempts"]).endswith(" UTC (TIME ago): once")
    (second_line,) = [line for line in lines if line.endswith(": twice")]
    assert second_line.strip().startswith("2 failed, ")
    assert "history" not in told


def test_the_story_of_a_job_that_was_taken_back_released_failed_retried_and_done(
    cli: Callable, spool: Spool, open_again: Callable
) -> None:
    """Every attempt by another holder; the last leaves a record, the journal tells how long."""

    def apart() -> None:
        """Each Spool has a clock of its own, and they may differ by a tick of the server's."""
        time.sleep(0.05)

    job_id = open_again(spool, owner="publisher").publish(b"", headers={"a": "b"}, max_attempts=2)
    open_again(spool, owner="first").get_job(0).extend(0.01)
    while spool.get(job_id).status.name != "READY":
        spool.reap()
    apart()
    open_again(spool, owner="second").get_job(0).release(reason="not here")
    apart()
    open_again(spool, owner="third").get_job(0).fail("broken", run={"exit_code": 3, "host": "h3"})
    apart()
    spool.retry(job_id)
    last = open_again(spool, owner="fourth")
    job = last.get_job(0)
    (running,) = cli("show", "--json", job_id).good().objects[0]["attempts"][3:]
    assert (running["outcome"], running["owner"], running["attempt"]) == ("running", "fourth", 1)
    assert running["ended_at"] is None
    assert running["started_at"] is not None
    job.done(run={"wall_seconds": 1.5, "exit_code": 0, "host": "h4"})
    last.close()
    (found,) = cli("show", "--json", job_id).good().objects
    told = [(one["attempt"], one["outcome"], one["owner"]) for one in found["attempts"]]
    assert told == [
        (1, "expired", "first"),
        (2, "released", "second"),
        (2, "failed", "third"),
        (1, "done", "fourth"),
    ]
    assert found["published_by"] == "publisher"
    assert found["attempts"][2]["exit_code"] == 3
    assert found["attempts"][3]["seconds"] == 1.5
    assert found["attempts"][3]["host"] == "h4"
    assert found["attempts"][3]["ended_at"] == found["ended_at"]
    assert [event["event"] for event in found["history"]][-1] == "retried"
    lines = cli("show", job_id).good().lines
    assert [line for line in lines if "retried, by" in line]
    assert [line for line in lines if timeless(line).endswith("(TIME ago): not here")]


def test_a_plain_done_job_has_the_time_of_its_rename_and_its_holder_from_the_journal(
    cli: Callable, make_spool: Callable, open_again: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool("with a journal", journal_seconds=3600)
    monkeypatch.setenv("SPOOLQ_DIR", spool.path)
    job_id = spool.publish(b"")
    taker = open_again(spool, owner="quick")
    taker.get_job(0).done()
    (found,) = cli("show", "--json", job_id).good().objects
    (attempt,) = found["attempts"]
    assert (attempt["outcome"], found["end"]) == ("done", None)
    assert found["ended_at"] == attempt["ended_at"] is not None
    written = internals(taker).journal
    assert written is not None
    written.write()
    (attempt,) = cli("show", "--json", job_id).good().objects[0]["attempts"]
    assert attempt["owner"] == "quick"
    assert 0 <= attempt["seconds"] < 60


def test_show_tells_what_a_waiting_job_waits_for(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    spool.pause("moving")
    (found,) = cli("show", "--json", job_id).good().objects
    assert [reason["name"] for reason in found["waits_for"]] == ["paused", "no workers"]
    told = facts(cli("show", job_id).good().lines)
    assert told["waits"].endswith(": moving")


def test_logs_stand_beside_the_attempt_that_wrote_them(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    logs = Path(spool.path) / "logs"
    first = spool.get_job(0)
    (logs / f"{first.name}.out").write_text("one")
    first.fail("x", delay=0)
    second = spool.get_job(0)
    (logs / f"{second.name}.err").write_text("two")
    (found,) = cli("show", "--json", job_id).good().objects
    assert [one["logs"] for one in found["attempts"]] == [
        [f"{logs}/{first.name}.out"],
        [f"{logs}/{second.name}.err"],
    ]


def test_json_is_the_job_and_its_details(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken(b"12345", headers={"a": "b"})
    job_id = name.partition(".")[0]
    (listed,) = cli("ls", "--json").good().objects
    (found,) = cli("show", "--json", job_id).good().objects
    assert listed.items() <= found.items()
    assert found["lease"] == name.rpartition(".")[2]
    assert found["path"] == f"{spool.path}/leased/{name}"
    assert (found["state"], found["size"], found["headers"]) == ("leased", 5, {"a": "b"})
    assert {"key", "lease_seconds", "max_attempts", "end", "history", "host", "pid"} <= set(found)


def test_an_unknown_job_is_status_5_after_the_others(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    ran = cli("show", "5-20260101T000000000000-AAAAAAAA", job_id)
    assert ran.status == 5
    assert ran.lines[0] == job_id
    assert ran.err == "spoolq: unknown job '5-20260101T000000000000-AAAAAAAA'\n"


def test_ids_from_standard_input(cli: Callable, spool: Spool) -> None:
    ids = [spool.publish(b""), spool.publish(b"")]
    ran = cli("show", "--json", "-", stdin="\n".join(ids).encode()).good()
    assert [found["id"] for found in ran.objects] == ids


def test_a_result_is_printed_byte_for_byte(cli: Callable, process: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"")
    assert "no result" in cli("show", "--result", job_id).bad(3)
    spool.get_job(0).done(b"\x00\xff\n\nx")
    ran = process("show", "--result", job_id).good()
    assert ran.out == "\x00\udcff\n\nx"


@pytest.mark.parametrize("words", [("--json",), ("5-20260101T000000000000-AAAAAAAA",)])
def test_result_stands_alone(cli: Callable, spool: Spool, words: tuple[str, ...]) -> None:
    ran = cli("show", "--result", spool.publish(b""), *words)
    assert "--result takes one ID and no --json" in ran.bad(2)
    assert ran.out == ""


def test_result_of_an_unknown_job(cli: Callable) -> None:
    ran = cli("show", "--result", "../../etc/passwd")
    assert "unknown job '../../etc/passwd'" in ran.bad(5)
    assert ran.out == ""
