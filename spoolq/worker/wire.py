"""What the worker and its guard say to each other over their socket. No decisions.

Messages are JSON objects with their length before them. Arguments, paths and environment travel as
the bytes they are, one character per byte, so that both ends need not agree on an encoding.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

_HEADER = struct.Struct("!I")
Message = dict[str, Any]


def frame(message: Message) -> bytes:
    """A message as it travels: its length, then JSON."""
    data = json.dumps(message).encode("ascii")
    return _HEADER.pack(len(data)) + data


class Frames:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete by now."""
        self._rest += data
        found, at = [], 0
        while len(self._rest) - at >= _HEADER.size:
            end = at + _HEADER.size + _HEADER.unpack_from(self._rest, at)[0]
            if end > len(self._rest):
                break
            found.append(json.loads(self._rest[at + _HEADER.size : end]))
            at = end
        self._rest = self._rest[at:]
        return found


def pack(value: str | bytes) -> str:
    """Bytes of an argument or path as JSON can carry them, whatever they are."""
    if isinstance(value, str) and value.isascii():
        return value  # as nearly all are, a dozen for each command
    return os.fsencode(value).decode("latin-1")


def unpack(text: str) -> bytes:
    """The bytes again."""
    return text.encode("latin-1")
