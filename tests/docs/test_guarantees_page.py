"""docs/guarantees.md names tests that exist, and every guarantee has tests that are marked with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
GUARANTEES = [f"I{number}" for number in range(1, 9)]
MARKED = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "tests").rglob("test_*.py")
    if "pytest.mark.guarantee" in path.read_text()
}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))))
def test_a_test_that_the_page_names_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_every_guarantee_is_told_and_has_tests(guarantee: str) -> None:
    assert f"| **{guarantee}** |" in PAGE
    marks = re.compile(rf'mark\.guarantee\([^)]*"{guarantee}"')
    assert [name for name, text in MARKED.items() if marks.search(text)]


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_the_page_and_the_protocol_promise_the_same_numbers(guarantee: str) -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    assert f"- **{guarantee}** " in protocol


def test_no_other_guarantee_is_marked() -> None:
    calls = [each for text in MARKED.values() for each in re.findall(r"guarantee\(([^)]*)\)", text)]
    numbers = {number for call in calls for number in re.findall(r'"(\w+)"', call)}
    assert numbers <= set(GUARANTEES)
