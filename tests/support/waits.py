"""Waiting for facts instead of for time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = 20.0, what: str = "") -> T:
    """Ask until the answer is true, and return it; fail the test when `seconds` are over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            message = f"not within {seconds} s: {what or condition}; last answer {answer!r}"
            raise AssertionError(message)
        time.sleep(0.005)
