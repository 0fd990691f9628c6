"""`spoolq report`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from support.journals import a_day, server_now, write_journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spoolq import Spool


def values(page: str) -> dict[str, Any]:
    """What a page has embedded."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_page_is_written_here_unless_told_otherwise(
    cli: Callable, spool: Spool, here: Path
) -> None:
    write_journal(spool, a_day(server_now(spool), 50, ["alpha-1"]))
    assert "report.html: 50 attempts" in cli("report").good().err
    page = (here / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert values(page)["attempts"] == 50
    assert values(page)["owners"] == ["alpha-1"]
    cli("report", "--output", "other.html", "--last", "1m").good()
    assert values((here / "other.html").read_text())["attempts"] < 50


def test_json_tells_what_was_written(cli: Callable, here: Path) -> None:
    (told,) = cli("report", "--json", "-o", "r.html").good().objects
    assert told == {"path": "r.html", "bytes": (here / "r.html").stat().st_size, "attempts": 0}


def test_page_to_standard_output(cli: Callable, here: Path) -> None:
    assert "</html>" in cli("report", "--output", "-").good().out
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (("--output", ""), 2, "the file's name is empty"),
        (("--output", "-", "--json"), 2, "--json tells of a file written"),
        (("--last", "yesterday"), 2, "'yesterday' is no duration"),
        (("--output", "missing/r.html"), 1, "missing/r.html: No such file or directory"),
    ],
)
def test_wrong_usage_writes_nothing(
    cli: Callable, here: Path, words: tuple[str, ...], status: int, why: str
) -> None:
    ran = cli("report", *words)
    assert why in ran.bad(status)
    assert (ran.out, list(here.iterdir())) == ("", [])


@pytest.mark.timeout(600)
def test_hundred_thousand_jobs_make_a_small_page(cli: Callable, spool: Spool, here: Path) -> None:
    owners = [f"node{number}-4711" for number in range(20)]
    write_journal(spool, a_day(server_now(spool), 100_000, owners))
    assert "100000 attempts" in cli("report").good().err
    assert (here / "report.html").stat().st_size < 600_000
    told = values((here / "report.html").read_text())
    assert sum(told["ended"][3::4]) == 100_000
