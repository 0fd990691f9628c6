"""Dates reckoned without `datetime` are those of `datetime`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spoolq.rules import names, times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -62_135_596_800, 253_402_300_799
"""The first and the last second of the years 1 to 9999."""


@given(st.integers(FIRST, LAST))
@example(FIRST)
@example(LAST)
@example(-1)
@example(951_782_400)  # 29 February 2000
@example(4_107_542_399)  # the end of 28 February 2100, no leap year
@example(4_107_542_400)
def test_a_second_is_told_as_datetime_tells_it(second: int) -> None:
    when = EPOCH + timedelta(seconds=second)
    # strftime does not fill up the years before 1000.
    assert times.second_in_names(str(second)) == f"{when.year:04d}{when:%m%dT%H%M%S}"
    assert times.in_records(second * 1_000_000) == f"{when.year:04d}-{when:%m-%dT%H:%M:%S.%fZ}"


@pytest.mark.parametrize("second", [FIRST - 1, LAST + 1, 10**18])
def test_a_year_that_has_not_four_digits_is_refused(second: int) -> None:
    with pytest.raises(OverflowError):
        times.second_in_names(str(second))


FIELDS = st.tuples(
    st.integers(0, 9999), st.integers(0, 14), st.integers(0, 32), st.integers(0, 26),
    st.integers(0, 62), st.integers(0, 62), st.integers(0, 999_999),
)  # fmt: skip


@given(FIELDS)
@example((2000, 2, 29, 0, 0, 0, 0))
@example((1900, 2, 29, 0, 0, 0, 0))
@example((2100, 2, 28, 23, 59, 59, 999_999))
@example((0, 1, 1, 0, 0, 0, 0))
def test_a_time_in_a_name_is_read_as_datetime_reads_it(
    fields: tuple[int, int, int, int, int, int, int],
) -> None:
    year, month, day, hour, minute, second, micro = fields
    text = f"{year:04d}{month:02d}{day:02d}T{hour:02d}{minute:02d}{second:02d}{micro:06d}"
    try:
        expected = (datetime(*fields, tzinfo=UTC) - EPOCH) / timedelta(seconds=1)
    except ValueError:
        expected = None
    assert names.parse_time(text) == expected


@given(st.integers(FIRST * 1_000_000, LAST * 1_000_000))
def test_what_is_written_into_a_name_is_read_back(microseconds: int) -> None:
    read = names.parse_time(times.in_names(microseconds))
    assert read is not None
    assert read == microseconds / 1_000_000
