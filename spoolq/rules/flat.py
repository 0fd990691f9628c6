"""Flat JSON as spoolq writes it, read without importing `json`: half of what a publish imports.

What is written in any other way is not refused but left to `json`. No I/O.
"""

from __future__ import annotations

_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}
_BLANK = " \t\r\n"
_MOST_DIGITS = 15


def parse(data: bytes) -> dict[str, object] | None:
    """What `json.loads` makes of one object of plain texts and numbers; None: ask `json`."""
    if b"\\" in data or not data.isascii():
        return None
    text = data.decode("ascii").strip(_BLANK)
    if not (text.startswith("{") and text.endswith("}")):
        return None
    # Without escapes every quote begins or ends a text: the texts are the pieces of odd numbers.
    pieces = text[1:-1].split('"')
    if len(pieces) % 2 == 0 or not all(map(str.isprintable, pieces[1::2])):
        return None
    try:
        return _members([piece.strip(_BLANK) for piece in pieces[::2]], pieces[1::2])
    except (ValueError, IndexError):
        return None


def _members(between: list[str], texts: list[str]) -> dict[str, object]:
    """The object, from the texts and what stands before, between and after them."""
    found: dict[str, object] = {}
    at, separator = 0, between[0]
    while at < len(texts):
        if separator != ("," if found else ""):
            raise ValueError(separator)
        name, separator = texts[at], between[at + 1]
        at += 1
        if separator == ":":
            found[name], separator = texts[at], between[at + 1]
            at += 1
        else:
            value, comma, rest = separator.partition(",")
            found[name], separator = _value(value), comma + rest
    if separator:
        raise ValueError(separator)
    return found


def _value(text: str) -> object:
    """A number or word after its colon."""
    if not text.startswith(":"):
        raise ValueError(text)
    text = text[1:].strip(_BLANK)
    if text in _WORDS:
        return _WORDS[text]
    whole, dot, fraction = text.partition(".")
    is_number = whole.isdigit() and (whole == "0" or whole[0] != "0") and len(text) <= _MOST_DIGITS
    if not is_number or (dot and not fraction.isdigit()):
        raise ValueError(text)
    return float(text) if dot else int(whole)
