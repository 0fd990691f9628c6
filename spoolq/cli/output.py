"""What commands print: results to standard output, messages to standard error, all of it escaped.

Whatever comes from a spool or a command line may be hostile: nothing unprintable leaves this file.
No command's own wording here.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, TextIO

    from spoolq.jobs import JobInfo

_COLOURS = {
    "bold": "1",
    "dim": "2",
    "ready": "0",
    "leased": "36",
    "delayed": "33",
    "done": "32",
    "failed": "31",
    "cancelled": "2",
    "unknown": "31",
}


def printable(text: object) -> str:
    """`text` on one line, harmless on any terminal: what is not printable becomes an escape.

    Control characters, line ends, direction marks, and bytes that are no UTF-8 (as `\\xff`).
    """
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(char if char.isprintable() else _escaped(char) for char in plain)


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8, smuggled in by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def prepare() -> None:
    """Make printing total: what the terminal's encoding lacks is shown as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def line(text: str = "") -> None:
    """One line to standard output; the caller has passed foreign text through `printable`.

    Raises:
        OSError: standard output is closed, full or gone.
    """
    block(text + "\n")


def block(text: str) -> None:
    """Several lines at once, as `line`."""
    try:
        stdout().write(text)
    except OSError as error:
        raise _named(error) from None


def raw(content: bytes) -> None:
    """Bytes to standard output as they are."""
    try:
        stdout().buffer.write(content)
    except OSError as error:
        raise _named(error) from None


def stdout() -> TextIO:
    """Standard output.

    Raises:
        OSError: it was closed before we started; what we have to tell would be lost silently.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
    return sys.stdout


def flush() -> None:
    """Hand over what was printed, so that a reader sees it now and a failure is noticed here."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _named(error) from None


def _named(error: OSError) -> OSError:
    """The same error (of the same class, by its number), telling where it happened."""
    return OSError(error.errno, error.strerror, "standard output")


def say(text: str) -> None:
    """One line of information to standard error. Never fails: there is nobody to tell."""
    to_stderr(f"spoolq: {printable(text)}\n")


def to_stderr(text: str) -> None:
    """Text as it is to standard error. Never fails."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Let what a broken stream still buffers go nowhere: Python's own flush at exit would fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass


def as_json(values: Mapping[str, Any]) -> str:
    """One JSON object on one line, ASCII only; datetimes as ISO 8601 in UTC with a Z."""
    import json

    return json.dumps(values, default=_json_value)


def json_line(values: Mapping[str, Any]) -> None:
    """One JSON object to standard output."""
    line(as_json(values))


def _json_value(value: object) -> object:
    if hasattr(value, "isoformat"):
        return moment(value)  # type: ignore[arg-type]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def moment(when: datetime) -> str:
    """A UTC time as in JSON and in records: `2026-11-23T23:59:59.000000Z`."""
    if when.utcoffset():
        from datetime import UTC

        when = when.astimezone(UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def job_values(job: JobInfo) -> dict[str, Any]:
    """A job as its JSON object: every key always there, None where there is nothing to tell."""
    return {
        "id": job.id,
        "status": job.status.name.lower(),
        "reschedules": job.reschedules,
        "attempt": job.attempt,
        "priority": job.priority,
        "published_at": job.published_at,
        "next_execution_at": job.next_execution_at,
        "deadline": job.deadline,
        "owner": job.owner,
        "outcome": job.outcome,
        "reason": job.reason,
    }


def word_of(job: JobInfo) -> str:
    """The one word people read for where a job is: its directory, or that it was cancelled."""
    return "cancelled" if job.outcome == "cancelled" else directory_of(job)


def directory_of(job: JobInfo) -> str:
    """The state directory that a job's status stands for; "unknown" for none."""
    name = job.status.name.lower()
    return "leased" if name == "processing" else name


def span(seconds: float) -> str:
    """A length of time in few characters: `0s`, `42s`, `15m`, `30h`, `12d`."""
    whole = max(0, round(seconds))
    for unit, size, most in (("s", 1, 120), ("m", 60, 7200), ("h", 3600, 172800)):
        if whole < most:
            return f"{whole // size}{unit}"
    return f"{whole // 86400}d"


def size(count: int) -> str:
    """A number of bytes for people: `312 bytes`, `4.2 KiB`, `64 MiB`."""
    if count < 1024:
        return f"{count} byte" + ("" if count == 1 else "s")
    power = min(4, (count.bit_length() - 1) // 10)
    value = f"{count / 1024**power:.1f}".removesuffix(".0")
    return f"{value} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads this stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def has_colours(stream: TextIO | None) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set to something."""
    if not is_terminal(stream):
        return False
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def paint(text: str, colour: str) -> str:
    """`text` in the colour of a word of `_COLOURS`, or as it is where colours are not wanted."""
    if not has_colours(sys.stdout):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def width() -> int | None:
    """Columns of the terminal that reads standard output; None when nothing is to be cut."""
    if not is_terminal(sys.stdout):
        return None
    try:
        return int(os.environ.get("COLUMNS", "")) or None
    except ValueError:
        pass
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def cut(text: str, columns: int | None) -> str:
    """`text` in at most so many columns (None: whole), its end replaced by an ellipsis."""
    if columns is None or len(text) <= columns:
        return text
    return text[: max(0, columns - 1)] + "…" if columns > 0 else ""
