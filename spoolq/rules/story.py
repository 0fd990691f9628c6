"""The attempts of a job, put together from all that tells of them: history, end, journal. No I/O.

A source alone is incomplete: a plain job done at once leaves no record, the journal misses what
shells do, a full disk swallows an event. What nobody tells of is said to be unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spoolq.rules import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from spoolq.rules.journal import Attempt

OUTCOMES = {"failed": "failed", "expired": "expired", "released": "released", "done": "done"}
_JOURNAL_OUTCOMES = {**OUTCOMES, "gave_up": "failed"}
_SAME_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt, times in server seconds.

    Attributes:
        outcome: "running", "done", "failed", "expired", "released", "cancelled" (the job, while
            it ran) or "unknown".
        lease: the one that it ended under; it began under another where it was renewed.
        started_at: when it was taken, or its command started.
        seconds: how long it took.
        run: what the runner of its command measured: exit code, signal, times.
    """

    attempt: int
    outcome: str
    owner: str | None = None
    lease: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    seconds: float | None = None
    reason: str | None = None
    run: dict[str, Any] | None = None

    @property
    def host(self) -> str | None:
        """Where it ran: the runner's word, else the beginning of the lease's name."""
        told = (self.run or {}).get("host")
        if isinstance(told, str):
            return told
        return host_of(self.lease)


def host_of(lease: str | None) -> str | None:
    """The host in a lease's name `<host>-<pid>-<random>`."""
    parts = (lease or "").rsplit("-", 2)
    return parts[0] if len(parts) == 3 else None


def from_record(record: dict[str, Any], event: object) -> Told | None:
    """The attempt that an event of the history, or an end record, tells of; None when of none."""
    outcome, number = OUTCOMES.get(str(event)), record.get("attempt")
    if outcome is None or type(number) is not int or number < 1:
        return None
    run = record.get("run")
    run = run if isinstance(run, dict) else None
    ended = records.from_iso(record.get("ended_at") or record.get("at"))
    started = records.from_iso((run or {}).get("started_at"))
    took = (run or {}).get("wall_seconds")
    if isinstance(took, bool) or not isinstance(took, (int, float)):
        took = None
    return Told(
        attempt=number,
        outcome=outcome,
        owner=_text(record.get("owner")),
        lease=_text(record.get("lease")),
        started_at=started,
        ended_at=ended,
        seconds=took,
        reason=_text(record.get("reason")),
        run=run,
    )


def from_journal(line: Attempt) -> Told:
    """The attempt that a line of the journal tells of."""
    return Told(
        attempt=line.attempt,
        outcome=_JOURNAL_OUTCOMES[line.outcome],
        owner=line.owner,
        started_at=line.taken_at,
        ended_at=line.ended_at,
        reason=line.reason,
    )


def put_together(told: Iterable[Told], lines: Iterable[Told], counted: int) -> list[Told]:
    """All attempts in the order of their endings, each once.

    `told` by records, which name leases, `lines` by the journal; `counted` attempts must have been.
    """
    found: list[Told] = []
    for one in told:
        same = next((known for known in found if _is_same(known, one)), None)
        if same is None:
            found.append(one)
        else:
            found[found.index(same)] = _merged(same, one)
    for line in lines:
        same = next((known for known in found if _ended_together(known, line)), None)
        if same is None:
            found.append(line)
        else:
            found[found.index(same)] = _merged(same, line)
    found += _unknown(found, counted)
    return [_timed(one) for one in sorted(found, key=_order)]


def _is_same(one: Told, other: Told) -> bool:
    return one.lease is not None and (one.attempt, one.lease) == (other.attempt, other.lease)


def _ended_together(known: Told, line: Told) -> bool:
    if known.attempt != line.attempt or known.outcome != line.outcome:
        return False
    if known.ended_at is None or line.ended_at is None:
        return False
    return abs(known.ended_at - line.ended_at) <= _SAME_SECONDS


def _merged(one: Told, other: Told) -> Told:
    """What the first does not tell, the second may."""
    names = ("owner", "lease", "started_at", "ended_at", "seconds", "reason", "run")
    missing = {name: getattr(other, name) for name in names if getattr(one, name) is None}
    return replace(one, **missing)


def _unknown(found: list[Told], counted: int) -> Iterator[Told]:
    known = {one.attempt for one in found}
    for number in range(1, min(counted, 1000) + 1):
        if number not in known:
            yield Told(number, "unknown")


def _order(one: Told) -> tuple[float, int]:
    # What runs now is the last; what is unknown stands before the attempt that came after it.
    if one.outcome == "unknown":
        return 0.0, one.attempt
    return (one.ended_at if one.ended_at is not None else float("inf")), one.attempt


def _timed(one: Told) -> Told:
    if one.seconds is not None or one.started_at is None or one.ended_at is None:
        return one
    return replace(one, seconds=max(0.0, one.ended_at - one.started_at))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
