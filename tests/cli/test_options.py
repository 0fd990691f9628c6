"""Texts of a command line become values, or a clear refusal."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.cli import options


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
        (".5", 0.5),
        ("90s", 90),
        ("250ms", 0.25),
        ("15m", 900),
        ("2h", 7200),
        ("1.5h", 5400),
        ("1d", 86400),
        ("1w", 604800),
        ("1h30m", 5400),
        ("1d12h30m15s", 131415),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert options.duration(text) == pytest.approx(seconds)


REFUSED = [
    "",
    " 1",
    "1 ",
    "s",
    "1x",
    "-1",
    "+1",
    "1e3",
    "nan",
    "inf",
    "1,5",
    "0x10",
    "\u0661",
    "1h 30m",
]


@given(st.text("0123456789.smhdwx \u0661", max_size=9))
def test_a_duration_is_numbers_with_units(text: str) -> None:
    parts = re.findall(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ms|[smhdw])", text, re.ASCII)
    is_one = parts and "".join(parts) == text
    is_one = is_one or re.fullmatch(r"\d+(?:\.\d*)?|\.\d+", text, re.ASCII)
    try:
        assert options.duration(text) >= 0
    except ArgumentTypeError:
        assert not is_one
    else:
        assert is_one


@pytest.mark.parametrize("text", [*REFUSED, "1m30", "1_000", "\udcff", "one"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no duration"):
        options.duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("4096", 4096),
        ("64k", 65536),
        ("64K", 65536),
        ("64M", 64 * 2**20),
        ("64MiB", 64 * 2**20),
        ("64mb", 64 * 2**20),
        ("1.5g", 3 * 2**29),
        ("1T", 2**40),
        ("10B", 10),
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert options.byte_size(text) == count


@pytest.mark.parametrize("text", [*REFUSED, "64X", "1Ki B", "k"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no size"):
        options.byte_size(text)


@given(st.text())
def test_no_text_makes_a_converter_fail_otherwise(text: str) -> None:
    for convert in (options.duration, options.byte_size, options.whole_number(0)):
        try:
            value = convert(text)
        except ArgumentTypeError:
            continue
        assert value >= 0


@pytest.mark.parametrize("text", ["-1", "10", "", "1.0", "9" * 5000, "²", " 1"])
def test_whole_numbers_have_bounds(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="from 0 to 9"):
        options.whole_number(0, 9)(text)
    assert options.whole_number(0, 9)("9") == 9


def test_headers() -> None:
    assert options.header("a=b=c") == ("a", "b=c")
    assert options.header("a=") == ("a", "")
    for bad in ("a", "=a", "", "\udcff=a"):
        with pytest.raises(ArgumentTypeError):
            options.header(bad)
