"""Records: sidecars of leases, options of jobs, ends and events; bytes to values and back.

Records are JSON objects of at most 64 KiB with a final newline. Unknown keys are kept out of the
way; whatever cannot be understood is None, never an exception. Times are ISO 8601, UTC, server
time. No I/O.
"""

from __future__ import annotations

from functools import lru_cache

from spoolq.rules import leases, names, times
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard

MAX_RECORD_BYTES = 64 * 1024
_LARGEST = 1e15
to_datetime = times.to_datetime


def to_iso(seconds: float) -> str:
    """Seconds since 1970 as records show them: `2026-11-23T23:59:59.000000Z`."""
    return times.in_records(round(seconds * 1e6))


def from_iso(text: object) -> float | None:
    """Seconds since 1970 of a record's time, None when it is not one."""
    if not isinstance(text, str):
        return None
    from datetime import datetime  # noqa: PLC0415 - who publishes or takes a job reads no records

    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if parsed.tzinfo is None else parsed.timestamp()


def dump(record: dict[str, Any]) -> bytes:
    """A record's bytes: one line of JSON."""
    import json  # noqa: PLC0415 - a plain task has no record

    return (json.dumps(record, ensure_ascii=True) + "\n").encode()


def load(data: bytes) -> dict[str, Any] | None:
    """A record's values, None when the bytes are not one JSON object of a sensible size."""
    if len(data) > MAX_RECORD_BYTES:
        return None
    import json  # noqa: PLC0415

    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Lease(NamedTuple):
    """A grant to one owner until a deadline, as its sidecar states it. Times: server seconds."""

    name: str
    owner: str
    host: str
    pid: int
    granted_at: float
    lease_seconds: float
    limit: int
    """At most so many tasks were to be taken under this lease."""

    @property
    def deadline(self) -> float:
        """When the lease ends, in seconds of the server's clock."""
        return self.granted_at + self.lease_seconds


def dump_lease(lease: Lease) -> bytes:
    """The bytes of a sidecar: as `dump` would write them, in a tenth of the time."""
    text = (
        f'{{"lease": {_quoted(lease.name)}, "owner": {_quoted_often(lease.owner)}, '
        f'"host": {_quoted_often(lease.host)}, "pid": {lease.pid}, '
        f'"granted_at": "{to_iso(lease.granted_at)}", "lease_seconds": {lease.lease_seconds!r}, '
        f'"deadline": "{to_iso(lease.deadline)}", "limit": {lease.limit}}}\n'
    )
    return text.encode()


def _quoted(text: str) -> str:
    """A text as JSON; most are plain ones."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    import json  # noqa: PLC0415

    return json.dumps(text)


_quoted_often = lru_cache(maxsize=64)(_quoted)


LEASE_PREFIX = b'{"lease": "'
"""How our sidecars begin: a torn one is told from a foreign file by it."""


def is_torn_lease(data: bytes) -> bool:
    """Whether a power loss can have made this of a sidecar: cut short, or zeros in place of bytes."""
    begun = data.rstrip(b"\0")
    return begun.startswith(LEASE_PREFIX) or LEASE_PREFIX.startswith(begun)


def load_lease(name: str, data: bytes) -> Lease | None:
    """The lease of sidecar `name`; None when missing fields, inconsistent times or not a record."""
    found = load(data)
    if found is None:
        return None
    granted_at, deadline = from_iso(found.get("granted_at")), from_iso(found.get("deadline"))
    seconds = found.get("lease_seconds")
    if granted_at is None or deadline is None or not _is_number(seconds):
        return None
    if not leases.is_consistent(granted_at, float(seconds), deadline):
        return None
    pid, limit = found.get("pid"), found.get("limit")
    return Lease(
        name=name,
        owner=_text(found.get("owner")) or name,
        host=_text(found.get("host")) or "",
        pid=pid if isinstance(pid, int) else 0,
        granted_at=granted_at,
        lease_seconds=float(seconds),
        limit=limit if isinstance(limit, int) and limit > 0 else 0,
    )


class Meta(NamedTuple):
    """The write-once options of a job; a job without a record has none of them.

    `by` is who published it: told only where a record is written anyway.
    """

    key: str | None = None
    headers: dict[str, str] | None = None
    lease_seconds: float | None = None
    max_attempts: int | None = None
    by: str | None = None


NO_META = Meta()


def dump_meta(meta: Meta) -> bytes:
    """The bytes of a job's options; what was not given is left out."""
    values = {
        "key": meta.key,
        "headers": meta.headers,
        "lease_seconds": meta.lease_seconds,
        "max_attempts": meta.max_attempts,
        "by": meta.by,
    }
    return dump({name: value for name, value in values.items() if value is not None})


def load_meta(data: bytes) -> Meta:
    """A job's options; whatever in them makes no sense counts as not given."""
    found = load(data) or {}
    key, headers = found.get("key"), found.get("headers")
    seconds, attempts = found.get("lease_seconds"), found.get("max_attempts")
    return Meta(
        key=key if isinstance(key, str) and names.is_key(key) else None,
        headers=_texts(headers),
        lease_seconds=float(seconds)
        if _is_number(seconds) and leases.is_consistent(0.0, float(seconds), float(seconds))
        else None,
        max_attempts=attempts if _is_count(attempts) else None,
        by=_text(found.get("by")),
    )


def is_end_record(record: dict[str, Any] | None, job_id: str, outcome: str) -> bool:
    """Whether a record tells how this job ended, and ended like its file's name says."""
    return record is not None and record.get("id") == job_id and record.get("outcome") == outcome


def _is_number(value: object) -> TypeGuard[float]:
    # Compared rather than converted: a whole number of JSON may be too large for a float.
    is_numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_numeric and -_LARGEST < value < _LARGEST  # type: ignore[operator]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> dict[str, str] | None:
    if not isinstance(value, dict) or not value:
        return None
    if not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        return None
    return value
