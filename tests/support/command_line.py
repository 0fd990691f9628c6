"""The command line as a process, and what a command printed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Standard output, line by line."""
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.lines]

    def good(self) -> Ran:
        """The same; fails the test unless all went well."""
        assert self.status == 0, self
        return self

    def bad(self, status: int) -> str:
        """What was said; fails the test unless it is one line of ours, and the status is right."""
        assert self.status == status, self
        assert self.err.startswith("spoolq: "), self
        assert self.err.count("\n") == 1, self
        assert self.err.removesuffix("\n").isprintable(), self
        return self.err


def command(*words: str | bytes) -> list[str | bytes]:
    """The command line that runs spoolq as a process of its own."""
    return [sys.executable, "-m", "spoolq", *words]
