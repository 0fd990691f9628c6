"""What is printed is escaped, aligned and short."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.cli import output
from spoolq.jobs import JobInfo, JobStatus


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Größe 日本", "plain Größe 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202e\u2066", "\\u202e\\u2066"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_is_not_printable_becomes_an_escape(text: str, shown: str) -> None:
    assert output.printable(text) == shown


@given(st.text(st.characters()))
def test_whatever_comes_leaves_as_one_printable_line(text: str) -> None:
    assert output.printable(text).isprintable()


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0.4, "0s"),
        (119.4, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172799, "47h"),
        (172800, "2d"),
        (8.64e8, "10000d"),
    ],
)
def test_spans_of_time(seconds: float, shown: str) -> None:
    assert output.span(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (4300, "4.2 KiB"),
        (64 * 2**20, "64 MiB"),
        (2**40, "1 TiB"),
        (2**52, "4096 TiB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert output.size(count) == shown


def test_cutting() -> None:
    assert output.cut("abcdef", None) == "abcdef"
    assert output.cut("abcdef", 6) == "abcdef"
    assert output.cut("abcdef", 4) == "abc…"
    assert output.cut("abcdef", 0) == ""


def test_a_jobs_object_has_every_key_and_times_in_utc() -> None:
    at = datetime(2026, 11, 24, 1, 2, 3, 4, tzinfo=UTC)
    job = JobInfo("x", JobStatus.PROCESSING, deadline=at, reason="\udcff")
    found = json.loads(output.as_json(output.job_values(job)))
    assert found["status"] == "processing"
    assert found["deadline"] == "2026-11-24T01:02:03.000004Z"
    assert found["outcome"] is None
    assert set(found) == {field.replace("JobInfo.", "") for field in JobInfo.__dataclass_fields__}


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    at = datetime(2026, 11, 24, 1, tzinfo=timezone(timedelta(hours=2)))
    assert output.moment(at) == "2026-11-23T23:00:00.000000Z"


def test_json_is_ascii_on_one_line() -> None:
    text = output.as_json({"a": "\u2028\n\x1b日", "b": b"\xff"})
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == {"a": "\u2028\n\x1b日", "b": "\udcff"}


def test_colours_need_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.has_colours(Terminal())
    assert not output.has_colours(io.StringIO())
    assert not output.has_colours(None)
    monkeypatch.setenv("NO_COLOR", "")
    assert output.has_colours(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colours(Terminal())
    monkeypatch.delenv("NO_COLOR")
    for dull in ("dumb", None):
        if dull is None:
            monkeypatch.delenv("TERM")
        else:
            monkeypatch.setenv("TERM", dull)
        assert not output.has_colours(Terminal())
