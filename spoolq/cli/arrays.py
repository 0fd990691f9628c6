"""`submit --array`: the numbers or lines that one command is submitted for, and what they change.

The item replaces `{}` wherever that stands in the command; beside it the environment tells
SPOOLQ_ARRAY_ITEM, and SPOOLQ_ARRAY_INDEX: the number, or the line's number in its file.
"""

from __future__ import annotations

import os
import re

from spoolq.cli import options, sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PLACE = "{}"
MAX_ITEMS = 1_000_000
_RANGE = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)

Item = tuple[int, str]
"""Index and item."""


def items(array: str, max_bytes: int) -> list[Item]:
    """What `--array` stands for: the numbers A to B of `A-B`, else the lines of a file.

    A file whose name looks like a range is given as ./1-9; - is standard input. Empty lines are
    passed over, but counted.

    Raises:
        UsageError: a range that goes backwards, too many items, or one that no command can have.
        OSError: the file cannot be read.
    """
    found = _RANGE.fullmatch(array)
    if found:
        return _numbers(array, int(found[1]), int(found[2]))
    lines = sources.whole(array, max_bytes).split(b"\n")
    if len(lines) > MAX_ITEMS + 1:
        raise _too_many(array)
    return [(index, _text(array, index, line)) for index, line in enumerate(lines, 1) if line]


def _text(array: str, index: int, line: bytes) -> str:
    if b"\0" in line:
        raise options.UsageError(f"--array {array}: line {index} holds a NUL byte")
    return os.fsdecode(line)


def _numbers(array: str, first: int, last: int) -> list[Item]:
    if last < first:
        raise options.UsageError(f"--array {array}: the first number is above the last")
    if last - first >= MAX_ITEMS:
        raise _too_many(array)
    return [(number, str(number)) for number in range(first, last + 1)]


def _too_many(array: str) -> options.UsageError:
    return options.UsageError(f"--array {array}: more than {MAX_ITEMS} jobs")


def placed(words: Sequence[str], item: str) -> list[str]:
    """The words with the item in its place."""
    return [word.replace(PLACE, item) for word in words]


def variables(item: Item) -> dict[str, str]:
    """What the command's environment tells of the item."""
    return {"SPOOLQ_ARRAY_INDEX": str(item[0]), "SPOOLQ_ARRAY_ITEM": item[1]}
