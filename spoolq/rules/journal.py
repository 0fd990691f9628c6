"""The journal's grammar: one line for each attempt that ended. Statistics only: no job rests on it.

A file begins with a line that tells whose it is; each further line is a JSON array

    [outcome, id, attempt, taken at, ended at, reason or null, owner]

with times in seconds since 1970 (server time), the last two left out when there is nothing to say.
Lines that cannot be understood (the last one, when its writer was killed) are no harm. No I/O.
"""

from __future__ import annotations

from spoolq.rules import names
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OUTCOMES = ("done", "failed", "gave_up", "released", "expired")
"""How an attempt ended. "failed" runs again, "gave_up" is a job that went to failed/."""

WRITE_EVERY_SECONDS = 1.0
MOST_UNWRITTEN = 4096
"""So many attempts are written down before the second is over."""
FILE_BYTES = 1024 * 1024
FILE_SECONDS = 86400.0
"""A process begins another file when its own has so many bytes, or was begun so long ago."""
MOST_FILE_BYTES = 16 * FILE_BYTES
"""Larger files are foreign."""
MOST_FILES = 2000
MOST_TOTAL_BYTES = 512 * FILE_BYTES
"""Above either the oldest files go, however young they are."""
REASON_CHARACTERS = 200


Told = tuple[str, str, int, float, float, str, "str | None"]
"""An Attempt, or the same as a bare tuple."""
PARTS = 7


class Attempt(NamedTuple):
    """One attempt that ended. Times in seconds since 1970 by the file server's clock.

    Attributes:
        outcome: one of OUTCOMES.
        taken_at: when its first lease was granted; a batch shares one lease, and so this time.
        owner: who held it.
        reason: the beginning of why it failed, else None.
    """

    outcome: str
    id: str
    attempt: int
    taken_at: float
    ended_at: float
    owner: str
    reason: str | None = None


def first_line(owner: str) -> str:
    """The line that a file begins with."""
    import json  # noqa: PLC0415 - who only takes a job writes nothing down

    return json.dumps({"journal": 1, "owner": owner}) + "\n"


def lines(told: Iterable[Told], file_owner: str, ahead: float = 0.0) -> str:
    """Attempts as their lines; `ahead`: seconds to add to the times when they ended."""
    import json  # noqa: PLC0415

    written = []
    taken, taken_text = -1.0, ""
    ended, ended_text = -1, ""
    for outcome, job_id, attempt, taken_at, ended_at, owner, reason in told:
        if taken_at != taken:  # a batch was taken at one time
            taken, taken_text = taken_at, f"{taken_at:.3f}"
        milliseconds = round((ended_at + ahead) * 1000)
        if milliseconds != ended:
            ended, ended_text = milliseconds, f"{milliseconds / 1000:.3f}"
        text = f'["{outcome}","{job_id}",{attempt},{taken_text},{ended_text}'
        if owner != file_owner:
            text += f",{json.dumps(_short(reason))},{json.dumps(owner)}"
        elif reason is not None:
            text += f",{json.dumps(_short(reason))}"
        written.append(text)
    return "]\n".join([*written, ""])


def _short(reason: str | None) -> str | None:
    return None if reason is None else reason[:REASON_CHARACTERS]


def attempts(data: bytes, otherwise: str, since: float) -> Iterator[Attempt]:
    """The attempts that a file's bytes tell of and that ended at `since` or later, latest first.

    `otherwise` is the owner where the first line does not tell. Lines stand in the order of their
    endings but for a second or so (threads), so the first one far before `since` ends the reading.
    """
    found = data.splitlines()
    owner = _owner(found[0]) if found else None
    for text in reversed(found):
        told = parse(text, owner or otherwise)
        if told is None:
            continue
        if told.ended_at < since - 10 * WRITE_EVERY_SECONDS:
            return
        if told.ended_at >= since:
            yield told


def _owner(text: bytes) -> str | None:
    import json  # noqa: PLC0415

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    owner = found.get("owner") if isinstance(found, dict) else None
    return owner if isinstance(owner, str) else None


def parse(text: bytes, owner: str) -> Attempt | None:
    """The attempt of one line; None for the first line, a cut one, and all else."""
    import json  # noqa: PLC0415

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not 5 <= len(found) <= 7:
        return None
    outcome, job_id, attempt, taken_at, ended_at = found[:5]
    reason, other = [*found[5:], None, None][:2]
    if outcome not in OUTCOMES or not isinstance(job_id, str) or not names.is_job_id(job_id):
        return None
    if type(attempt) is not int or not 0 < attempt < 10**9:
        return None
    if not (_is_time(taken_at) and _is_time(ended_at)):
        return None
    return Attempt(
        outcome,
        job_id,
        attempt,
        float(taken_at),
        float(ended_at),
        other if isinstance(other, str) else owner,
        reason if isinstance(reason, str) else None,
    )


def _is_time(value: object) -> bool:
    """Seconds since 1970 up to the year 9999."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value < 253e9
