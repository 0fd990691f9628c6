"""Archives: one compressed file for each day that jobs were published on. Names and lines; no I/O.

A file is a zip. Each member holds up to a thousand jobs, sorted by id, as JSON lines; its name is
`<first id>..<last id>.jsonl` (`..<last id>.<n>.jsonl` where that is taken), so that one job is found
by unpacking one member.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from spoolq.rules import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

MOST_JOBS, MOST_BYTES = 1000, 4 * 1024 * 1024
"""A member is closed after so many jobs, or so many bytes."""
MOST_MEMBER_BYTES = 512 * 1024 * 1024
"""A member that says to be larger is not ours."""

_file = re.compile(r"([0-9]{8})\.([A-Za-z0-9_-]{1,120})\.zip")
_member = re.compile(r"([^.\s]{32,60})\.\.([^.\s]{32,60})(?:\.[1-9][0-9]*)?\.jsonl")


def file_name(day: str, token: str) -> str:
    """`<day>.<token>.zip` in archive/; a token is never used twice."""
    return f"{day}.{token}.zip"


def day_of_file(name: str) -> str | None:
    """`YYYYMMDD` of an archive's name, None when it is foreign."""
    match = _file.fullmatch(name)
    return match[1] if match else None


def day_of(job_id: str) -> str:
    """The day a job was published on: where to look for it."""
    return job_id[2:10]


def member_name(first: str, last: str, taken: Container[str]) -> str:
    """The name of a member by the first and last job in it; numbered where that is taken."""
    name, number = f"{first}..{last}.jsonl", 1
    while name in taken:
        name, number = f"{first}..{last}.{number}.jsonl", number + 1
    return name


def may_hold(member: str, job_id: str) -> bool:
    """Whether a job is in this member, if it is in the archive."""
    match = _member.fullmatch(member)
    return match is not None and match[1] <= job_id <= match[2]


def bounds(member: str) -> tuple[str, str]:
    """The first and last job of a member whose name is ours."""
    match = _member.fullmatch(member)
    return (match[1], match[2]) if match else ("", "")


def is_member(name: str) -> bool:
    """Whether a member's name is ours."""
    match = _member.fullmatch(name)
    return match is not None and names.is_job_id(match[1]) and names.is_job_id(match[2])


def packed(values: dict[str, Any], name: str, data: bytes | None) -> None:
    """Put bytes into a line's values: as text where they are UTF-8, else as `<name>_base64`."""
    if data is None:
        return
    try:
        values[name] = data.decode()
    except UnicodeDecodeError:
        values[f"{name}_base64"] = base64.b64encode(data).decode()


def unpacked(values: dict[str, Any], name: str) -> bytes | None:
    """The bytes that `packed` put there; None when there are none."""
    text, coded = values.get(name), values.get(f"{name}_base64")
    if isinstance(text, str):
        return text.encode(errors="surrogatepass")
    if isinstance(coded, str):
        try:
            return base64.b64decode(coded, validate=True)
        except binascii.Error:
            return None
    return None


def line(values: dict[str, Any]) -> bytes:
    """A job's line; `id` comes first in it."""
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def find_line(data: bytes, job_id: str) -> dict[str, Any] | None:
    """A job's values among a member's lines, the last where it stands twice."""
    start = f'{{"id":"{job_id}",'.encode()
    for text in reversed(data.splitlines()):
        if text.startswith(start):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                continue
            return found if isinstance(found, dict) else None
    return None
