"""Flat JSON read without `json` is what `json` reads, and anything else is left to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spoolq.rules import flat, records
from spoolq.rules.settings import Settings, to_text

PIECES = st.sampled_from(
    [
        *(
            '"',
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            "\t",
            "\\",
            "\\u0041",
            '"a"',
            '"a":',
            '":1,"',
        ),
        *("1", "0", "01", "-1", "1.5", "1.", ".5", "1e3", "+1", "1_0", "²", "9" * 20, "NaN"),
        *("true", "false", "null", "True", "\x0b", "\x1f", "\x7f", "\xa0", "é", "\ufeff", "//", ""),
    ]
)
VALUES = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
)


def agrees(data: bytes) -> None:
    """Either the same object, type by type, or nothing."""
    found = flat.parse(data)
    if found is not None:
        expected = json.loads(data)
        assert found == expected
        assert list(map(repr, found.items())) == list(map(repr, expected.items()))


@given(st.lists(PIECES, max_size=12))
@example(['{"a":1,', "}"])
@example(['{"a":1 ', '"b":2}'])
@example(['{"a" "b"}'])
@example(['{,"a":1}'])
@example(['{"a":"b":1}'])
def test_whatever_is_read_is_what_json_reads(pieces: list[str]) -> None:
    agrees("".join(pieces).encode())
    agrees(("{" + "".join(pieces) + "}").encode())


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), st.sampled_from([None, 2]))
def test_whatever_json_writes_is_read_alike(values: dict[str, object], indent: int | None) -> None:
    agrees(json.dumps(values, indent=indent).encode())


@pytest.mark.parametrize("data", [b"\xff{}", b"{\0}", b"", b"{", b'{"a', b'"', b'{"a":}', b'{"a"'])
def test_broken_bytes_are_left_to_json(data: bytes) -> None:
    assert flat.parse(data) is None


def test_what_spoolq_writes_is_read_here() -> None:
    settings = Settings(durability="off", group=True, lease_seconds=1.5)
    assert flat.parse(to_text(settings)) == {"format": 1, **settings._asdict()}
    lease = records.Lease("host-1-ABCDEFGHIJ", "me", "host", 1, 1_800_000_000.25, 60.0, 1)
    assert flat.parse(records.dump_lease(lease)) == json.loads(records.dump_lease(lease))


@given(st.text(max_size=8))
@example('"')
@example("\\")
@example("\x7f")
def test_an_owner_of_any_text_is_quoted_as_json_quotes_it(text: str) -> None:
    assert records._quoted(text) == json.dumps(text)
