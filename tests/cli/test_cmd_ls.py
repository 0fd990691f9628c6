"""`spoolq ls`."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command_line import command
from support.processes import environment
from support.spans import timeless

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


@pytest.fixture
def jobs(spool: Spool) -> dict[str, str]:
    """A job of each kind: what happened to it -> its id."""
    found = {name: spool.publish(name.encode()) for name in ("leased", "done", "failed")}
    leased, done, failed = spool.get_jobs(3, 0)
    assert leased.task == b"leased"
    done.done()
    failed.fail("broken", retry=False)
    found["cancelled"] = spool.publish(b"")
    spool.cancel(found["cancelled"])
    found["delayed"] = spool.publish(b"", delay=3600)
    found["late"] = spool.publish(b"", priority=9)
    found["ready"] = spool.publish(b"")
    return found


def test_all_jobs_by_state_in_the_order_they_come(cli: Callable, jobs: dict[str, str]) -> None:
    ran = cli("ls").good()
    told = {line.split()[0]: line.split()[1] for line in ran.lines}
    assert told == {
        jobs["leased"]: "leased",
        jobs["ready"]: "ready",
        jobs["late"]: "ready",
        jobs["delayed"]: "delayed",
        jobs["failed"]: "failed",
        jobs["done"]: "done",
        jobs["cancelled"]: "cancelled",
    }
    assert list(told) == [
        *(jobs["leased"], jobs["ready"], jobs["late"], jobs["delayed"]),
        *(jobs["failed"], jobs["done"], jobs["cancelled"]),
    ]


def test_a_row_says_what_a_person_asks_next(
    cli: Callable, spool: Spool, jobs: dict[str, str]
) -> None:
    lines = cli("ls").good().lines
    rows = {line.split()[0]: timeless(" ".join(line.split()[2:])) for line in lines}
    assert rows[jobs["leased"]] == f"TIME 1 {spool.owner}, TIME left"
    assert rows[jobs["delayed"]] == "TIME - due in TIME"
    assert rows[jobs["failed"]] == "TIME 1 broken"


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        (["ready"], ["ready", "late"]),
        (["leased"], ["leased"]),
        (["processing"], ["leased"]),
        (["PROCESSING", "leased"], ["leased"]),
        (["delayed", "failed"], ["delayed", "failed"]),
        (["done"], ["done", "cancelled"]),
    ],
)
def test_states_by_directory_and_status_names(
    cli: Callable, jobs: dict[str, str], states: list[str], wanted: list[str]
) -> None:
    assert cli("ls", "--ids", *states).good().lines == [jobs[name] for name in wanted]


def test_json_has_the_documented_keys_for_every_job(cli: Callable, jobs: dict[str, str]) -> None:
    found = {values["id"]: values for values in cli("ls", "--json").good().objects}
    assert len(found) == len(jobs)
    for values in found.values():
        assert list(values) == [
            *("id", "status", "reschedules", "attempt", "priority", "published_at"),
            *("next_execution_at", "deadline", "owner", "outcome", "reason"),
        ]
    assert found[jobs["leased"]]["status"] == "processing"
    assert found[jobs["leased"]]["deadline"] == found[jobs["leased"]]["next_execution_at"]
    assert found[jobs["cancelled"]]["status"] == "done"
    assert found[jobs["cancelled"]]["outcome"] == "cancelled"
    assert found[jobs["failed"]]["reason"] == "broken"
    assert found[jobs["ready"]]["published_at"].endswith("Z")


def test_limit(cli: Callable, jobs: dict[str, str]) -> None:
    assert cli("ls", "--ids", "--limit", "2").good().lines == [jobs["leased"], jobs["ready"]]


def test_since_a_time_or_a_length_of_time(cli: Callable, spool: Spool) -> None:
    young = spool.publish(b"")
    old = spool.publish(b"")
    ready = Path(spool.path) / "ready"
    (ready / old).rename(ready / "5-20200101T000000000000-ABCDEFGH")
    assert cli("ls", "--ids", "--since", "1h").good().lines == [young]
    assert len(cli("ls", "--ids", "--since", "3000d").good().lines) == 2
    assert cli("ls", "--ids", "--since", "2021-01-01").good().lines == [young]
    assert cli("ls", "--ids", "--since", "2019-12-31T23:00:00Z").good().lines == [
        "5-20200101T000000000000-ABCDEFGH",
        young,
    ]


def test_owner_key_and_headers_pick_jobs(cli: Callable, spool: Spool, open_again: Callable) -> None:
    keyed = spool.publish(b"", key="nightly", headers={"kind": "a", "n": "1"})
    other = spool.publish(b"", headers={"kind": "a"})
    plain = spool.publish(b"")
    held = open_again(spool, owner="node7-4711").get_job(0)
    assert held.id == keyed
    assert cli("ls", "--ids", "--key", "nightly").good().lines == [keyed]
    assert cli("ls", "--ids", "--key", "nightly", "ready").good().lines == []
    assert cli("ls", "--ids", "--key", "../nightly").good().lines == []
    assert cli("ls", "--ids", "--header", "kind=a").good().lines == [keyed, other]
    assert cli("ls", "--ids", "--header", "kind=a", "--header", "n=1").good().lines == [keyed]
    assert cli("ls", "--ids", "--owner", "node7-*").good().lines == [keyed]
    assert cli("ls", "--ids", "--owner", "node8-*").good().lines == []
    assert plain in cli("ls", "--ids").good().lines


def test_sorted_with_what_has_nothing_to_tell_last(cli: Callable, jobs: dict[str, str]) -> None:
    by_priority = cli("ls", "--ids", "--sort", "priority", "--reverse").good().lines
    assert by_priority[0] == jobs["late"]
    newest = cli("ls", "--ids", "--sort", "published", "--reverse", "--limit", "1").good().lines
    assert newest == [jobs["ready"]]
    due = cli("ls", "--ids", "--sort", "due").good().lines
    assert due[:2] == [jobs["leased"], jobs["delayed"]]
    assert set(due) == set(jobs.values())


def test_jobs_that_cannot_be_meant_are_not_looked_at(
    cli: Callable, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.publish_many([b""] * 3, headers={"a": "b"})
    spool.get_jobs(3, 0)
    monkeypatch.setattr("spoolq.verbs.listing.info_at", None)
    assert cli("ls", "--since", "2100-01-01").good().lines == []


def test_an_empty_spool_prints_nothing(cli: Callable) -> None:
    assert cli("ls").good().out == ""
    assert cli("ls", "--json").good().out == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("bogus",), "argument STATE: 'bogus' is none of leased, ready"),
        (("../ready",), "argument STATE: '../ready' is none of leased, ready"),
        (("--limit", "0"), "argument --limit: '0' is no whole number of at least 1"),
        (("--limit", "x"), "argument --limit: 'x' is no whole number of at least 1"),
        (("--reverse",), "--reverse goes with --sort"),
        (("--since", "soon"), "'soon' is no duration and no time"),
        (("--header", "k"), "'k' is no header"),
        (("--sort", "colour"), "argument --sort: invalid choice: 'colour'"),
    ],
)
def test_wrong_usage(cli: Callable, jobs: dict[str, str], words: tuple[str, ...], why: str) -> None:
    ran = cli("ls", *words)
    assert why in ran.bad(2)
    assert ran.out == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(spool: Spool, unbuffered: str) -> None:
    spool.publish_many([b""] * 3000)
    ended = subprocess.run(
        ["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "bash", *command("ls")],
        capture_output=True,
        check=False,
        env=environment(SPOOLQ_DIR=spool.path, PYTHONUNBUFFERED=unbuffered),
    )
    assert ended.returncode == 141, ended
    assert ended.stderr == b""
    assert ended.stdout.count(b"\n") == 1


def on_a_terminal(spool: Spool, *words: str, columns: int = 80, **env: str) -> str:
    """What a command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    more = {"TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": "", **env}
    try:
        subprocess.run(
            command(*words),
            stdout=theirs,
            check=True,
            env=environment(SPOOLQ_DIR=spool.path, **more),
        )
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:  # Linux's way to say that the terminal was closed
            pass
        return b"".join(parts).decode().replace("\r\n", "\n")
    finally:
        os.close(ours)


@pytest.mark.parametrize("word", ["ls", "status", "show"])
def test_colours_only_on_terminals_that_want_them(
    cli: Callable, spool: Spool, jobs: dict[str, str], word: str
) -> None:
    words = (word, jobs["failed"]) if word == "show" else (word,)
    assert "\x1b[31m" in on_a_terminal(spool, *words)
    assert "\x1b" not in on_a_terminal(spool, *words, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(spool, *words, TERM="dumb")
    assert "\x1b" not in cli(*words).good().out


def test_a_terminal_gets_a_heading_and_no_line_longer_than_it_is(
    cli: Callable, spool: Spool
) -> None:
    spool.publish(b"")
    spool.get_job(0).fail("a reason that goes on and on " * 20, retry=False)
    for columns in (60, 100):
        heading, row = on_a_terminal(spool, "ls", columns=columns, NO_COLOR="1").splitlines()
        assert heading.split() == ["JOB", "STATE", "AGE", "TRY"]
        assert len(row) == columns
        assert row.endswith("…")
    (whole,) = cli("ls").good().lines
    assert len(whole) > 500
