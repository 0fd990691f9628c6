"""Random parts of names: unpredictable, different in every process and after every fork."""

from __future__ import annotations

import os

from spoolq.rules import names

RANDOM_LENGTH = names.OPTIONS_RANDOM_LENGTH
_PIECES_PER_DRAW = 64
forks = 0
"""How many forks lie between this process and the one that imported spoolq."""
# One draw from the system serves many names: a system call and a loop for each is 2 us of a publish.
_pieces: list[str] = []
_TABLE = names.base32(bytes(range(256))).encode()


def random_text() -> str:
    """Ten base32 characters (50 bits) that nobody was given before. Safe from any thread."""
    try:
        return _pieces.pop()
    except IndexError:
        return _draw()


def random_fraction() -> float:
    """From 0 up to 1, for spreading what many processes do."""
    return int.from_bytes(os.urandom(6), "big") / 2**48


def _draw() -> str:
    text = os.urandom(RANDOM_LENGTH * _PIECES_PER_DRAW).translate(_TABLE).decode("ascii")
    drawn = [text[at : at + RANDOM_LENGTH] for at in range(0, len(text), RANDOM_LENGTH)]
    first = drawn.pop()
    _pieces.extend(drawn)
    return first


def _after_fork() -> None:
    # RACE: parent and child must not go on drawing the same names.
    global forks  # noqa: PLW0603 - there is one process
    forks += 1
    _pieces.clear()


os.register_at_fork(after_in_child=_after_fork)
