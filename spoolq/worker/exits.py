"""What a command's end means for its job. Pure.

| end of the command | the job |
|---|---|
| exit status 0 | done |
| 75 (EX_TEMPFAIL), or no resources to start it | given back with back-off, attempt not counted |
| stopped by the worker, lease lost, guard killed | given back at once, attempt not counted |
| TERM or INT, of which the worker got one too | given back at once, attempt not counted |
| all else: other exit status, signal, time limit, cannot be started | failed, perhaps retried |
"""

from __future__ import annotations

import errno
import signal
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from spoolq.errors import InvalidSetting
from spoolq.rules.records import to_iso

if TYPE_CHECKING:
    from spoolq.worker.child import Ended

TEMPORARY_FAILURE = 75
TIMEOUT = "timeout"
_POLITE = (signal.SIGTERM, signal.SIGINT)
_NO_RESOURCES = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_WHERE = {126: "cannot be executed?", 127: "command not found?"}
_EXPECTED = "exit codes 1 to 255, ranges like 2-9, signals like SIGSEGV, or timeout; commas between"


class Action(Enum):
    """What to do with the job."""

    DONE = "done"
    RELEASE = "release"
    """Give back at once, the attempt not counted: it was not the command's doing."""
    POSTPONE = "postpone"
    """Give back with back-off, the attempt not counted."""
    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Policy:
    """When failing commands are tried again.

    Attributes:
        retries: tried again while the attempt's number is at most this.
        retry_on: only these ends are retried; all when None.
        no_retry_on: these never are.
    """

    retries: int = 0
    retry_on: frozenset[int | str] | None = None
    no_retry_on: frozenset[int | str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the job, and why in words."""

    action: Action
    reason: str


def judge(
    ended: Ended,
    *,
    attempt: int,
    max_attempts: int = 0,
    time_limit: float | None = None,
    policy: Policy | None = None,
    told_to_end: bool = False,
) -> Verdict:
    """Decide by how the command ended; `attempt` is 1 for the first, `max_attempts` 0 for none.

    `told_to_end`: the worker has been told so by a signal. Batch systems send theirs to all
    processes of a job, so a command that dies of one did not fail.
    """
    reason = describe(ended, time_limit)
    if ended.stopped not in (None, TIMEOUT):
        return Verdict(Action.RELEASE, reason)
    if told_to_end and not ended.stopped and _is_told_to_end(ended):
        return Verdict(Action.RELEASE, f"{reason}, as the worker was told to end")
    if ended.start_errno in _NO_RESOURCES:
        return Verdict(Action.POSTPONE, reason)
    if not ended.timed_out and ended.exit_code == 0:
        return Verdict(Action.DONE, reason)
    policy = policy or Policy()
    kind = _kind(ended)
    if kind == TEMPORARY_FAILURE and kind not in policy.no_retry_on:
        return Verdict(Action.POSTPONE, reason)
    wanted = policy.retry_on is None or kind in policy.retry_on
    allowed = attempt <= policy.retries or attempt < max_attempts
    again = wanted and allowed and kind not in policy.no_retry_on
    return Verdict(Action.RETRY if again else Action.FAIL, reason)


def _is_told_to_end(ended: Ended) -> bool:
    return ended.signal in _POLITE or ended.exit_code in {128 + number for number in _POLITE}


def _kind(ended: Ended) -> int | str:
    if ended.timed_out:
        return TIMEOUT
    return ended.exit_code if ended.exit_code is not None else signal_name(ended.signal or 0)


def describe(ended: Ended, time_limit: float | None = None) -> str:
    """How it ended, for people: `exit status 1`, `killed by signal 9 (SIGKILL)` and so on."""
    if ended.timed_out:
        after = f" after {time_limit:g} s" if time_limit is not None else ""
        return f"timed out{after}" + (", had to be killed" if ended.killed else "")
    if ended.stopped is not None:
        return _STOPPED.get(ended.stopped, f"stopped: {ended.stopped}")
    if ended.start_error is not None:
        return f"could not be started: {ended.start_error}"
    if ended.exit_code is None:
        return f"killed by signal {ended.signal} ({signal_name(ended.signal or 0)})"
    return f"exit status {ended.exit_code}" + _hint(ended.exit_code)


_STOPPED = {
    "lease": "stopped: its lease was not renewed in time",
    "guard": "killed: the worker's guard process died",
    "request": "stopped by the worker",
}


def _hint(code: int) -> str:
    if code in _WHERE:
        return f": {_WHERE[code]}"
    if 128 < code < 128 + 32:
        return f": killed by {signal_name(code - 128)}, as a shell reports it?"
    return ""


def signal_name(number: int) -> str:
    """SIGKILL of 9; SIG<number> of one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def parse_ends(option: str, text: str) -> frozenset[int | str]:
    """The ends that `--retry-on` or `--no-retry-on` names: `1,64-78,SIGKILL,timeout`.

    Raises:
        InvalidSetting: a part is none of these.
    """
    found: set[int | str] = set()
    for part in text.split(","):
        ends = _parse_end(part.strip())
        if not ends:
            raise InvalidSetting(option, text, _EXPECTED)
        found |= ends
    return frozenset(found)


def _parse_end(part: str) -> set[int | str]:
    low, dash, high = part.partition("-")
    if _is_code(low) and (not dash or _is_code(high)):
        return set(range(int(low), int(high or low) + 1))
    if part.lower() == TIMEOUT:
        return {TIMEOUT}
    name = part.upper()
    name = name if name.startswith("SIG") else f"SIG{name}"
    number = name[3:]
    if number.isascii() and number.isdigit() and int(number[:4]) < signal.NSIG:
        return {signal_name(int(number))} if int(number) and not part[:1].isdigit() else set()
    return {name} if name in signal.Signals.__members__ else set()


def _is_code(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 255


def end_record(ended: Ended, *, host: str, attempt: int) -> dict[str, Any]:
    """What the job's end record says of this run. Times in UTC, memory in bytes."""
    return {
        "attempt": attempt,
        "host": host,
        "exit_code": ended.exit_code,
        "signal": signal_name(ended.signal) if ended.signal else None,
        "timed_out": ended.timed_out,
        "stopped": ended.stopped,
        "started_at": to_iso(ended.started),
        "finished_at": to_iso(ended.finished),
        "wall_seconds": round(ended.wall_seconds, 6),
        "user_seconds": round(ended.user_seconds, 6),
        "system_seconds": round(ended.system_seconds, 6),
        "peak_bytes": ended.peak_bytes,
    }
