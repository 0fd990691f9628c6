"""`spoolq show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
    assert told["deadline"].endswith("UTC (in 60s)") or told["deadline"].endswith("(in 59s)")
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
    assert told["history"].split("  ")[1].startswith("attempt 1 failed, ")
    assert told["history"].endswith(": once")


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
    cli("show", "--result", spool.publish(b""), *words).bad(2)


def test_result_of_an_unknown_job(cli: Callable) -> None:
    cli("show", "--result", "../../etc/passwd").bad(5)
