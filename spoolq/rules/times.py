"""Server times as texts: in names and in records. The text of a second is made once. No I/O."""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

_MICRO = 1_000_000
_DAY_SECONDS = 86400
_DAYS_TO_1970 = 719_163
"""From the first day of year 1, which is day 1."""
_LAST_YEAR = 9999
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BEFORE_MONTH = tuple(sum(_MONTH_DAYS[:month]) for month in range(12))


def to_datetime(seconds: float) -> datetime:
    """Seconds since 1970 as an aware UTC datetime."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - most commands show no time

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(seconds * 1e6))


def in_names(microseconds: int) -> str:
    """A time as it stands in names: `YYYYMMDDTHHMMSSffffff`."""
    second, rest = divmod(microseconds, _MICRO)
    return f"{second_in_names(str(second))}{rest:06d}"


def in_records(microseconds: int) -> str:
    """A time as records show it: `2026-11-23T23:59:59.000000Z`."""
    second, rest = divmod(microseconds, _MICRO)
    return f"{_second_in_records(second)}.{rest:06d}Z"


# Reckoning a date costs 4 us, more than all the rest of a name, and seconds repeat.
@lru_cache(maxsize=64)
def second_in_names(second: str) -> str:
    """The text of a whole second, given in decimals since 1970: `YYYYMMDDTHHMMSS`."""
    return "{:04d}{:02d}{:02d}T{:02d}{:02d}{:02d}".format(*_fields(int(second)))


@lru_cache(maxsize=64)
def _second_in_records(second: int) -> str:
    return "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}".format(*_fields(second))


def _fields(second: int) -> tuple[int, int, int, int, int, int]:
    """Year to second, UTC; as `datetime` reckons, the import of which costs as much as a publish.

    Raises:
        OverflowError: a year that has not four digits.
    """
    days, of_day = divmod(second, _DAY_SECONDS)
    # 400 years have 146,097 days; the guess is a year off at most.
    year = (days + _DAYS_TO_1970 - 1) * 400 // 146_097 + 1
    year += (_days(year + 1) <= days) - (_days(year) > days)
    if not 1 <= year <= _LAST_YEAR:
        raise OverflowError("date value out of range")
    month = 12
    while _days(year, month) > days:
        month -= 1
    day = days - _days(year, month) + 1
    return year, month, day, of_day // 3600, of_day // 60 % 60, of_day % 60


def seconds_of(  # noqa: PLR0917
    year: int, month: int, day: int, hour: int, minute: int, second: int
) -> int | None:
    """Seconds since 1970 of a date and time, UTC; None for a month 13 and the like."""
    if not (1 <= year <= _LAST_YEAR and 1 <= month <= 12 and day >= 1):
        return None
    if day > _MONTH_DAYS[month - 1] + (month == 2 and _is_leap(year)):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return _days(year, month, day) * _DAY_SECONDS + hour * 3600 + minute * 60 + second


def _days(year: int, month: int = 1, day: int = 1) -> int:
    """Days from the first of 1970 to a date."""
    past = year - 1
    days = past * 365 + past // 4 - past // 100 + past // 400 + _BEFORE_MONTH[month - 1] + day
    return days + (month > 2 and _is_leap(year)) - _DAYS_TO_1970


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
