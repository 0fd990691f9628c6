"""Server times as texts: in names and in records. The text of a second is made once. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = 1_000_000


def to_datetime(seconds: float) -> datetime:
    """Seconds since 1970 as an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))


def in_names(microseconds: int) -> str:
    """A time as it stands in names: `YYYYMMDDTHHMMSSffffff`."""
    second, rest = divmod(microseconds, _MICRO)
    return f"{second_in_names(str(second))}{rest:06d}"


def in_records(microseconds: int) -> str:
    """A time as records show it: `2026-11-23T23:59:59.000000Z`."""
    second, rest = divmod(microseconds, _MICRO)
    return f"{_second_in_records(second)}.{rest:06d}Z"


# Formatting a datetime costs 4 us, more than all the rest of a name, and seconds repeat.
@lru_cache(maxsize=64)
def second_in_names(second: str) -> str:
    """The text of a whole second, given in decimals since 1970: `YYYYMMDDTHHMMSS`."""
    return (EPOCH + timedelta(seconds=int(second))).strftime("%Y%m%dT%H%M%S")


@lru_cache(maxsize=64)
def _second_in_records(second: int) -> str:
    return (EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
