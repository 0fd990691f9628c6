"""The grammar of names: ids, leases, keys, and the file name of a job in each state.

Printable ASCII, fields of `[A-Za-z0-9_-]` joined by dots. A name that does not match is foreign.
"""

from __future__ import annotations

from spoolq.rules import times
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from typing import Any

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PLAIN_RANDOM_LENGTH = 8
# A job that has a meta record is told by its longer random part, so that taking a plain job
# never costs a look for a record that is not there.
OPTIONS_RANDOM_LENGTH = 10
PLAIN_ID_LENGTH = len("5-20261123T235959000001-") + PLAIN_RANDOM_LENGTH
"""No shorter id is ours; one of this length has no options, and as a name in ready/ no attempts."""
MAX_LEASE_NAME = 120
_LEASE_CHARACTERS = frozenset("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
MAX_KEY = 200

_TIME = r"[0-9]{8}T[0-9]{12}"
_ID = rf"[0-9]-{_TIME}-[A-Z2-7]{{8,26}}"
_COUNT = r"[1-9][0-9]{0,8}"
_LEASE = rf"[A-Za-z0-9_-]{{1,{MAX_LEASE_NAME}}}"


class _Grammar:
    """A pattern that is compiled when it is asked first: a command needs three of the fifteen."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __getattr__(self, name: str) -> Any:
        if name != "fullmatch":
            raise AttributeError(name)
        import re  # noqa: PLC0415 - who only publishes reads no names

        self.fullmatch = re.compile(self._pattern).fullmatch
        return self.fullmatch


_time = _Grammar(_TIME)
_id = _Grammar(_ID)
_lease = _Grammar(_LEASE)
_key = _Grammar(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ready = _Grammar(rf"({_ID})(?:\.({_COUNT}))?")
_leased = _Grammar(rf"({_ID})\.({_COUNT})\.({_LEASE})")
_sidecar = _Grammar(rf"({_LEASE})\.(lease|grace)")
_delayed = _Grammar(rf"({_TIME})\.({_ID})(?:\.({_COUNT}))?")
_ended = _Grammar(rf"({_ID})(?:\.(cancelled|end|result))?")
_draft = _Grammar(rf"({_ID})\.(0|{_COUNT})\.({_LEASE})\.(end|result)")
_history = _Grammar(rf"({_ID})\.({_TIME})\.([A-Z2-7]+)")
_journal = _Grammar(rf"({_TIME})\.({_LEASE})")
# A worker's name is a lease's; of these, none is `stop` or a number.
_worker = _Grammar(rf"([A-Za-z0-9_-]+-[0-9]+-[A-Z0-9]+)\.({_COUNT})")
_stop = _Grammar(r"stop\.([A-Za-z0-9_-]+-[0-9]+-[A-Z0-9]+)")
_log = _Grammar(rf"({_ID})\.({_COUNT})\.({_LEASE})\.(out|err)")


def is_ready_name(name: str) -> re.Match[str] | None:
    """Match object when a name in ready/ is ours: group 1 the id, group 2 the attempts counted."""
    return _ready.fullmatch(name)


def ready_names(listed: Iterable[str]) -> Iterator[str]:
    """Those of many names that are ours in ready/."""
    return filter(_ready.fullmatch, listed)


_ended_task = _Grammar(rf"({_ID})(?:\.cancelled)?")


def is_ended_name(name: str) -> re.Match[str] | None:
    """Match object when a name in done/ or failed/ is an ended task's: group 1 the id."""
    return _ended_task.fullmatch(name)


def is_job_id(text: str) -> bool:
    """Whether `text` is a job id; nothing else may become part of a path."""
    return _id.fullmatch(text) is not None


def is_lease_name(text: str) -> bool:
    """Whether `text` is the name of a lease."""
    return _lease.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether `text` can be a unique key: dotted fields of `[A-Za-z0-9_-]`, at most 200 characters."""
    return len(text) <= MAX_KEY and _key.fullmatch(text) is not None


def format_time(seconds: float) -> str:
    """Server time (seconds since 1970, UTC) as it stands in names: `YYYYMMDDTHHMMSSffffff`."""
    return times.in_names(round(seconds * 1e6))


def parse_time(text: str) -> float | None:
    """Seconds since 1970 of a time in a name; None for a month 13 and the like."""
    if _time.fullmatch(text) is None:
        return None
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[9:11]), int(text[11:13]), int(text[13:15])
    seconds = times.seconds_of(year, month, day, hour, minute, second)
    return None if seconds is None else (seconds * 1_000_000 + int(text[15:])) / 1_000_000


def base32(random_bytes: bytes) -> str:
    """One base32 character (5 bits) for each byte of `random_bytes`."""
    return "".join([BASE32[byte & 31] for byte in random_bytes])


def format_id(priority: int, seconds: float, random_part: str) -> str:
    """The id of a job: priority, publish time and a random part, so that sorting orders jobs."""
    return f"{priority}-{format_time(seconds)}-{random_part}"


def has_options(job_id: str) -> bool:
    """Whether a meta record belongs to this id (its random part is longer than eight)."""
    return len(job_id) > PLAIN_ID_LENGTH


def priority_of(job_id: str) -> int:
    """0 (first) to 9 (last)."""
    return int(job_id[0])


def published_at(job_id: str) -> float | None:
    """Publish time in seconds since 1970, None when the id's time is not a date."""
    return parse_time(job_id[2:23])


def lease_name(host: str, pid: int, random_part: str) -> str:
    """A lease's name, unique for ever: `<host>-<pid>-<random>`."""
    return lease_stem(host, pid) + random_part


def lease_stem(host: str, pid: int) -> str:
    """What all lease names of a process begin with: `<host>-<pid>-`."""
    readable = "".join([char if char in _LEASE_CHARACTERS else "-" for char in host[:40]]) or "host"
    return f"{readable}-{pid}-"


class ReadyName(NamedTuple):
    """`<id>[.<n>]` in ready/: `attempts` were counted so far."""

    id: str
    attempts: int

    def __str__(self) -> str:
        return f"{self.id}.{self.attempts}" if self.attempts else self.id


class LeasedName(NamedTuple):
    """`<id>.<attempt>.<lease>` in leased/: whose it is, and which attempt (1 first)."""

    id: str
    attempt: int
    lease: str

    def __str__(self) -> str:
        return f"{self.id}.{self.attempt}.{self.lease}"


class DelayedName(NamedTuple):
    """`<due>.<id>[.<n>]` in delayed/: `due` in seconds since 1970, server time."""

    due: float
    id: str
    attempts: int

    def __str__(self) -> str:
        return f"{format_time(self.due)}.{ReadyName(self.id, self.attempts)}"


class DraftName(NamedTuple):
    """`<id>.<attempt>.<token>.<kind>` in sys/tmp/: an end record or result on its way.

    The token is new for each try to end the job; its record and result share it.
    """

    id: str
    attempt: int
    token: str
    kind: str

    def __str__(self) -> str:
        return f"{self.id}.{self.attempt}.{self.token}.{self.kind}"


class LogName(NamedTuple):
    """`<id>.<attempt>.<lease>.<stream>` in logs/: what one run wrote to "out" or "err".

    `lease` is the one that the run began under, so no two runs ever share a log.
    """

    id: str
    attempt: int
    lease: str
    stream: str

    def __str__(self) -> str:
        return f"{self.id}.{self.attempt}.{self.lease}.{self.stream}"


class JournalName(NamedTuple):
    """`<begun>.<token>` in sys/journal/: the process that writes it, and since when."""

    begun: float
    token: str

    def __str__(self) -> str:
        return f"{format_time(self.begun)}.{self.token}"


class WorkerName(NamedTuple):
    """`<worker>.<n>` in sys/workers/: the n-th record of a worker (1 first)."""

    worker: str
    number: int

    def __str__(self) -> str:
        return f"{self.worker}.{self.number}"


def stop_name(worker: str) -> str:
    """The name in sys/workers/ of the file that asks a worker to stop."""
    return f"stop.{worker}"


def parse_ready(name: str) -> ReadyName | None:
    """A name of ready/, or None when it is foreign."""
    match = _ready.fullmatch(name)
    return ReadyName(match[1], int(match[2] or 0)) if match else None


def split_ready(name: str) -> ReadyName:
    """As `parse_ready`, of a name that was found to be ours before."""
    job_id, dot, attempts = name.partition(".")
    return ReadyName(job_id, int(attempts) if dot else 0)


def parse_leased(name: str) -> LeasedName | None:
    """A task's name in leased/, or None."""
    match = _leased.fullmatch(name)
    return LeasedName(match[1], int(match[2]), match[3]) if match else None


def leased_among(listed: Iterable[str]) -> list[LeasedName]:
    """The tasks among names in leased/."""
    return [task for task in map(parse_leased, listed) if task is not None]


def parse_sidecar(name: str) -> tuple[str, str] | None:
    """`(lease, "lease" | "grace")` of a sidecar's name in leased/, or None."""
    match = _sidecar.fullmatch(name)
    return (match[1], match[2]) if match else None


def parse_delayed(name: str) -> DelayedName | None:
    """A name of delayed/, or None when it is foreign or its due time is no date."""
    match = _delayed.fullmatch(name)
    due = parse_time(match[1]) if match else None
    if match is None or due is None:
        return None
    return DelayedName(due, match[2], int(match[3] or 0))


def parse_ended(name: str) -> tuple[str, str] | None:
    """`(id, "" | "cancelled" | "end" | "result")` of a name in done/ or failed/, or None."""
    match = _ended.fullmatch(name)
    return (match[1], match[2] or "") if match else None


def parse_draft(name: str) -> DraftName | None:
    """A record or result on its way in sys/tmp/, or None."""
    match = _draft.fullmatch(name)
    return DraftName(match[1], int(match[2]), match[3], match[4]) if match else None


def parse_history(name: str) -> str | None:
    """The job's id of a name in sys/history/, or None."""
    match = _history.fullmatch(name)
    return match[1] if match else None


def parse_log(name: str) -> LogName | None:
    """A log of a command in logs/, or None."""
    match = _log.fullmatch(name)
    return LogName(match[1], int(match[2]), match[3], match[4]) if match else None


def parse_journal(name: str) -> JournalName | None:
    """A file of sys/journal/, or None."""
    match = _journal.fullmatch(name)
    begun = parse_time(match[1]) if match else None
    return None if match is None or begun is None else JournalName(begun, match[2])


def parse_worker(name: str) -> WorkerName | None:
    """A worker's record in sys/workers/, or None."""
    match = _worker.fullmatch(name)
    return WorkerName(match[1], int(match[2])) if match else None


def parse_stop(name: str) -> str | None:
    """The worker that a file in sys/workers/ asks to stop, or None."""
    match = _stop.fullmatch(name)
    return match[1] if match else None
