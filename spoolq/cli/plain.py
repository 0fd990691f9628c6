"""Reads plain command lines as argparse would, in a fiftieth of the time that its import takes.

Plain is what scripts write: flags in full, a value after its option or after `=`, operands. Help,
mistakes, values that begin with a dash, joined short options: whatever is not surely plain is left
to argparse, which says what it always said.
"""

from __future__ import annotations

from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.table import Entry, Table

_REST = "..."
_KNOWN = {"metavar", "help", "type", "default", "dest", "action", "const", "choices", "nargs"}
_FLAGS = {"store_true": (False, True), "store_false": (True, False), "store_const": (None, None)}
"""Actions without a value: the default, and what the flag stands for."""
_TAKING = {"store", "append"}


class _NotPlain(Exception):
    """Argparse is to decide."""


def read(table: Table, words: list[str]) -> argparse.Namespace | None:
    """The values that argparse would find in `words`; None when it has to look itself."""
    try:
        return _Reader(table).read(words)
    except Exception:  # an unknown flag, a refused value: argparse tells about it
        return None


class _Reader:
    """One reading."""

    def __init__(self, table: Table) -> None:
        self._options: dict[str, Entry] = {}
        self._operands: Entry | None = None
        self._values: dict[str, Any] = {}
        self._chosen: dict[object, Entry] = {}
        for entry in table.entries:
            self._values.setdefault(entry.dest, _default(entry))
            if not entry.is_operand:
                self._options.update(dict.fromkeys(entry.flags, entry))
            elif self._operands is None:
                self._operands = entry
            else:
                raise _NotPlain
        if any(group.keywords for group in table.groups):
            raise _NotPlain

    def read(self, words: list[str]) -> argparse.Namespace:
        takes_rest = self._operands is not None and self._operands.keywords.get("nargs") == _REST
        operands: list[str] = []
        left = iter(words)
        for word in left:
            if _is_operand(word) or (takes_rest and word == "--"):
                operands.append(word)
                if takes_rest:
                    operands += left
            else:
                self._take_option(word, left)
        if self._operands is not None:
            self._take_operands(self._operands, operands)
        elif operands:
            raise _NotPlain
        return SimpleNamespace(**self._values)  # type: ignore[return-value]

    def _take_option(self, word: str, left: Any) -> None:
        flag, equals, joined = word.partition("=")
        entry = self._options[flag]
        if self._chosen.setdefault(entry.group or entry, entry) is not entry:
            raise _NotPlain  # two of which one may be given
        action = entry.keywords.get("action", "store")
        if action in _FLAGS and not equals:
            self._values[entry.dest] = entry.keywords.get("const", _FLAGS[action][1])
            return
        if action not in _TAKING or "nargs" in entry.keywords:
            raise _NotPlain
        if equals and (joined in {"", "--"} or not flag.startswith("--")):
            raise _NotPlain
        value = _converted(entry, joined if equals else _value_word(next(left)))
        if action == "append":
            value = [*(self._values[entry.dest] or []), value]
        self._values[entry.dest] = value

    def _take_operands(self, entry: Entry, words: list[str]) -> None:
        nargs = entry.keywords.get("nargs")
        if nargs == _REST:
            self._values[entry.dest] = words
            return
        if not words and nargs in {"?", "*"}:
            if nargs == "*" and self._values[entry.dest] is None:
                self._values[entry.dest] = []
            return
        if not words or (len(words) > 1 and nargs not in {"+", "*"}):
            raise _NotPlain
        values = [_converted(entry, word) for word in words]
        self._values[entry.dest] = values if nargs in {"+", "*"} else values[0]


def _default(entry: Entry) -> Any:
    keywords = entry.keywords
    action = keywords.get("action", "store")
    if not keywords.keys() <= _KNOWN or not (action in _FLAGS or action in _TAKING):
        raise _NotPlain
    default = keywords.get("default", _FLAGS[action][0] if action in _FLAGS else None)
    if isinstance(default, str) and "type" in keywords:
        return keywords["type"](default)
    return default


def _is_operand(word: str) -> bool:
    return not word.startswith("-") or word == "-"


def _value_word(word: str) -> str:
    if not _is_operand(word):
        raise _NotPlain
    return word


def _converted(entry: Entry, word: str) -> Any:
    convert, choices = entry.keywords.get("type"), entry.keywords.get("choices")
    value = word if convert is None else convert(word)
    if choices is not None and value not in choices:
        raise _NotPlain
    return value
