"""`spoolq status`: the screen, JSON, watching, and the verdict for monitoring."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command_line import command
from support.crew import heartbeat
from support.processes import environment
from support.spans import timeless

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


def published_long_ago(spool: Spool) -> str:
    """Make the one ready job an old one; its id."""
    (path,) = (Path(spool.path) / "ready").iterdir()
    old = path.with_name("5-20200101T000000000000-ABCDEFGH")
    path.rename(old)
    return old.name


def test_counts_are_aligned_and_uncoloured_without_a_terminal(cli: Callable, spool: Spool) -> None:
    spool.publish_many([b""] * 12)
    spool.get_job(0)
    ran = cli("status").good()
    assert list(map(timeless, ran.lines[:6])) == [
        spool.path,
        "  ready    11   oldest waiting for TIME",
        "  leased    1   oldest lease TIME",
        "  delayed   0",
        "  done      0",
        "  failed    0",
    ]
    assert re.fullmatch(r"  room     .* free \(\d+%\).*", ran.lines[6])
    assert len(ran.lines) == 7


def test_the_screen_tells_of_the_last_minutes_and_what_comes(cli: Callable, spool: Spool) -> None:
    fill(spool)
    lines = map(timeless, cli("status").good().lines[1:])
    told = {line.split()[0]: line.split(maxsplit=2)[2:] for line in lines}
    assert told["delayed"] == ["next due in TIME"]
    assert told["done"] == ["0.2 a minute in the last 5 minutes"]
    assert told["failed"] == ["1 in the last 5 minutes, 1 attempts gone wrong"]


def test_json_tells_counts_ages_and_the_last_minutes(cli: Callable, spool: Spool) -> None:
    fill(spool)
    (found,) = cli("status", "--json").good().objects
    counts = {name: found[name] for name in ("ready", "leased", "delayed", "done", "failed")}
    assert sum(counts.values()) == 7
    assert (counts["done"], counts["failed"], counts["delayed"]) == (2, 1, 1)
    assert 0 <= found["oldest_ready_seconds"] < 60
    assert 0 <= found["oldest_lease_seconds"] < 60
    assert (found["leases"], found["expired_leases"], found["overdue"]) == (1, 0, 0)
    assert found["recent"] == {
        "seconds": 300.0,
        "done": 1,
        "failed": 1,
        "troubles": 1,
        "exact": True,
    }
    assert found["paused"] is found["paused_by"] is found["paused_at"] is None
    assert found["room"]["free_bytes"] <= found["room"]["size_bytes"]
    assert [finding["name"] for finding in found["needs_a_look"]] == ["failing"]


def test_a_paused_spool_says_why_since_when_and_by_whom(cli: Callable, spool: Spool) -> None:
    spool.pause("the roof\x1b[0m leaks")
    line = next(line for line in cli("status").good().lines if line.startswith("  paused"))
    assert timeless(line) == f"  paused TIME ago by {spool.owner}: the roof\\x1b[0m leaks"
    found = cli("status", "--json").good().objects[0]
    assert found["paused"] == "the roof\x1b[0m leaks"
    assert found["paused_by"] == spool.owner
    spool.pause()
    assert cli("status", "--json").good().objects[0]["paused"] == ""


def test_workers_alive_draining_and_gone(cli: Callable, spool: Spool) -> None:
    running = [{"id": "x", "attempt": 1, "lease": "l", "started_at": None, "command": ["a", "b"]}]
    heartbeat(spool, n=8, done=1)
    heartbeat(spool, n=9, done=12, failed=3, running=running)
    heartbeat(spool, "beta-7-ABCDEFGH22", draining=True)
    heartbeat(spool, "gamma-8-ABCDEFGH22", ago=600, every_seconds=5)
    (Path(spool.path) / "sys/workers/torn-9-ABCDEFGH22.1").write_text('{"worker": ')
    (Path(spool.path) / "sys/workers/stop.alpha-4711-ABCDEFGH22").write_text("{}")
    lines = list(map(timeless, cli("status").good().lines))
    at = lines.index("  workers  2 alive, 1 of 8 slots busy")
    assert lines[at + 1 : at + 4] == [
        "    gamma  pid 8  0 of 4 busy  done 0, failed 0  seen TIME ago  gone",
        "    alpha  pid 4711  1 of 4 busy  done 12, failed 3  seen TIME ago",
        "    beta   pid 7  0 of 4 busy  done 0, failed 0  seen TIME ago  draining",
    ]
    assert "  warning: 1 worker stopped without a word (gamma)" in lines
    (found,) = cli("status", "--json").good().objects
    told = {worker["worker"]: worker for worker in found["workers"]}
    assert told["alpha-4711-ABCDEFGH22"]["running"][0]["command"] == "a b"
    assert [told[name]["alive"] for name in sorted(told)] == [True, True, False]


def test_tasks_that_wait_while_nobody_takes_them_need_a_look(cli: Callable, spool: Spool) -> None:
    spool.publish(b"")
    assert cli("status", "--check").status == 0
    published_long_ago(spool)
    assert cli("status", "--check").status == 2
    (found,) = cli("status", "--json").good().objects
    assert [(f["name"], f["level"]) for f in found["needs_a_look"]] == [
        ("nobody takes", "critical")
    ]
    heartbeat(spool)
    assert cli("status", "--check").status == 0


def test_a_lease_that_nobody_took_back_needs_a_look(cli: Callable, taken: Callable) -> None:
    name = taken()
    (spool_path,) = {os.environ["SPOOLQ_DIR"]}
    sidecar = Path(spool_path) / "leased" / f"{name.rpartition('.')[2]}.lease"
    told = json.loads(sidecar.read_text())
    told |= {"granted_at": "2020-01-01T00:00:00Z", "deadline": "2020-01-01T00:01:00Z"}
    sidecar.write_text(json.dumps(told))
    ran = cli("status", "--check")
    assert ran.status == 1
    assert ran.lines[0].startswith("SPOOLQ WARNING - 1 lease is past the deadline")
    sidecar.write_text("garbage")
    (found,) = cli("status", "--json").good().objects
    assert [f["name"] for f in found["needs_a_look"]] == ["unreadable leases"]


def test_check_prints_one_line_with_performance_data(cli: Callable, spool: Spool) -> None:
    spool.publish_many([b""] * 3)
    ran = cli("status", "--check", "--warning", "ready=5", "--critical", "oldest=1h").good()
    (line,) = ran.lines
    said, figures = line.split(" | ")
    assert said == "SPOOLQ OK - 3 ready, 0 leased, 0 delayed, 0 failed, 0 workers"
    pairs = dict(figure.split("=") for figure in figures.split())
    assert pairs["ready"] == "3;5;;0"
    assert re.fullmatch(r"[\d.]+s;;3600;0", pairs["oldest"])
    assert re.fullmatch(r"[\d.]+%;;;0", pairs["disk"])
    pattern = r"[\d.]+(s|%)?;([\d.]+:?)?;([\d.]+:?)?;0"
    assert all(re.fullmatch(pattern, value) for value in pairs.values())


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (["--warning", "ready=2"], 1),
        (["--warning", "ready=2", "--critical", "ready=2"], 2),
        (["--warning", "ready=3"], 0),
        (["--critical", "workers=1"], 2),
        (["--warning", "disk=100%"], 1),
        (["--warning", "redy=1"], 3),
        (["--warning", "ready"], 3),
        (["--critical", "oldest=soon"], 3),
        (["--warning", "ready=5m"], 3),
        (["--warning", "ready=5%"], 3),
        (["--warning", "disk=1h"], 3),
        (["--warning", "ready="], 3),
    ],
)
def test_limits_decide_the_status(
    cli: Callable, spool: Spool, limits: list[str], status: int
) -> None:
    spool.publish_many([b""] * 3)
    ran = cli("status", "--check", *limits)
    assert ran.status == status
    word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[status]
    assert ran.lines[0].startswith(f"SPOOLQ {word} - ")
    assert cli("status", "--check", "--json", *limits).objects[0]["state"] == word.lower()


def test_a_bar_in_a_reason_does_not_begin_performance_data(cli: Callable, spool: Spool) -> None:
    spool.pause("a | b\nready=0")
    ran = cli("status", "--check")
    assert ran.status == 1
    assert len(ran.lines) == 1
    assert ran.out.count("|") == 1


def test_no_spool_is_unknown_to_monitoring(cli: Callable, tmp_path: Path) -> None:
    ran = cli("-s", str(tmp_path / "none"), "status", "--check")
    assert ran.status == 3
    assert ran.out.startswith("SPOOLQ UNKNOWN - ")
    assert ran.err == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--warning", "ready=1"), "--warning and --critical go with --check"),
        (("--critical", "ready=1"), "--warning and --critical go with --check"),
        (("--watch", "--check"), "not allowed with argument --watch"),
    ],
)
def test_limits_go_with_check(cli: Callable, words: tuple[str, ...], why: str) -> None:
    ran = cli("status", *words)
    assert why in ran.bad(2)
    assert ran.out == ""


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_watch_looks_until_it_is_ended(spool: Spool, form: list[str]) -> None:
    watching = subprocess.Popen(
        command("status", "--watch", "0.05", *form),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(SPOOLQ_DIR=spool.path),
    )
    try:
        assert watching.stdout is not None
        told = (line for line in watching.stdout if '"ready": 0,' in line or " ready    0" in line)
        next(told)
        spool.publish(b"")
        seen = next(
            line for line in watching.stdout if '"ready": 1,' in line or "ready    1" in line
        )
        assert seen
    finally:
        watching.kill()
        watching.wait()
        if watching.stdout:
            watching.stdout.close()


def test_looking_leaves_nothing_behind_and_writes_nothing_but_the_clocks_file(
    cli: Callable, spool: Spool
) -> None:
    fill(spool)
    before = sorted(str(path) for path in Path(spool.path).rglob("*"))
    cli("status").good()
    cli("status", "--check")
    assert sorted(str(path) for path in Path(spool.path).rglob("*")) == before
