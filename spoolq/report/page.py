"""The page: the story in numbers, put into one HTML file with its style and script.

Whatever comes from a spool is hostile. It reaches the page as JSON in which no tag can begin or
end, the script puts it into the document as text only, and the page's own policy lets no script
run but ours, and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from spoolq.report import lists, shape
from spoolq.report.gather import waits
from spoolq.rules import records

if TYPE_CHECKING:
    from spoolq.report.gather import Row, Story
    from spoolq.report.shape import Slices, Table

MOST_SLOWEST, MOST_SLOWEST_EACH, MOST_RETRIED, MOST_REASONS = 100, 10, 100, 60
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028"}


def values(story: Story) -> dict[str, Any]:
    """Everything that the page shows, as JSON values; its size does not grow with the jobs."""
    waited = [(until - since, row) for since, until, row in waits(story) if row is not None]
    counted = _table(story, waited)
    return {
        "spool": story.path,
        "made_at": records.to_iso(story.now),
        "start": counted.slices.start,
        "width": counted.slices.width,
        "count": counted.slices.count,
        "outcomes": list(shape.OUTCOMES),
        "owners": counted.owners,
        "classes": {
            "each": shape.CLASSES_PER_DECADE,
            "shortest": shape.SHORTEST_SECONDS,
            "count": shape.CLASSES,
        },
        **counted.values(),
        **_levels(story, counted),
        "counts": story.counts,
        "paused": story.paused,
        "attempts": len(story.rows),
        "untold": story.untold,
        "is_cut": story.is_cut,
        **_lists(story, counted),
    }


def _table(story: Story, waited: list[tuple[float, Row]]) -> Table:
    """The finest table that is not too large."""
    began = [min(row.ended_at, row.taken_at or row.ended_at) for row in story.rows]
    began += [since for _, _, since in story.running]
    first = max(story.since, min(began, default=story.now - 3600))
    holders = [owner for _, owner, _ in story.running]
    cut = shape.slices(min(first, story.now), story.now, shape.MOST_SLICES)
    for most_owners, fold in shape.DETAILS:
        known = shape.owners(story.rows, holders, most_owners)
        counted = shape.table(story.rows, waited, cut, known, fold)
        if counted.cells <= shape.MOST_CELLS:
            break
    return counted


def _levels(story: Story, counted: Table) -> dict[str, Any]:
    """How many jobs waited in each slice, and how many each worker held."""
    cut, known = counted.slices, counted.owners
    number = {name: position for position, name in enumerate(known)}
    held: list[list[tuple[float, float]]] = [[] for _ in known]
    for row in story.rows:
        if row.taken_at is not None:
            place = number.get(row.owner, len(known) - 1)
            held[place].append((row.taken_at, row.ended_at))
    for _, owner, since in story.running:
        held[number.get(owner, len(known) - 1)].append((since, story.now))
    waiting = shape.occupied(((since, until) for since, until, _ in waits(story)), cut)
    return {"waiting": _rounded(waiting), "held": [_rounded(shape.occupied(h, cut)) for h in held]}


def _rounded(numbers: list[float]) -> list[float]:
    return [round(number, 2 if number < 100 else 0) for number in numbers]


def _lists(story: Story, counted: Table) -> dict[str, Any]:
    cut, known = counted.slices, counted.owners
    number = {name: position for position, name in enumerate(known)}
    slow = {id(row): row for row in lists.slowest(story.rows, MOST_SLOWEST)}
    by_owner: dict[str, list[Row]] = {}
    for row in story.rows:
        by_owner.setdefault(row.owner if row.owner in number else shape.OTHERS, []).append(row)
    for rows in by_owner.values():
        slow |= {id(row): row for row in lists.slowest(rows, MOST_SLOWEST_EACH)}
    ordered = sorted(slow.values(), key=lambda row: (row.taken_at or 0.0) - row.ended_at)

    def told(row: Row) -> list[Any]:
        return _told(row, cut, number.get(row.owner, len(known) - 1))

    return {
        "slowest": [told(row) for row in ordered],
        "retried": [told(row) for row in lists.most_retried(story.rows, MOST_RETRIED)],
        "failures": [
            {"kind": kind, "last": told(max(rows, key=lambda row: row.ended_at)),
             "cells": _cells(rows, cut, number)}
            for kind, rows in lists.failures(story.rows, MOST_REASONS)
        ],
    }  # fmt: skip


def _cells(rows: list[Row], cut: Slices, number: dict[str, int]) -> list[int]:
    """Failures of one kind, counted by slice, worker and outcome: flat, as in the table."""
    counted = Counter(
        (
            cut.index(row.ended_at),
            number.get(row.owner, len(number) - 1),
            shape.OUTCOMES.index(row.outcome),
        )
        for row in rows
    )
    return [part for key, count in counted.items() for part in (*key, count)]


def _told(row: Row, cut: Slices, owner: int) -> list[Any]:
    """An attempt in a list: slice, worker, outcome, id, attempt, seconds, ended at, reason, owner."""
    seconds = None if row.taken_at is None else round(max(0.0, row.ended_at - row.taken_at), 3)
    return [
        cut.index(row.ended_at),
        owner,
        shape.OUTCOMES.index(row.outcome),
        row.id,
        row.attempt,
        seconds,
        round(row.ended_at, 3),
        (row.reason or "")[:300],
        row.owner,
    ]


def html(data: dict[str, Any], *, live_seconds: float = 0.0) -> str:
    """The page with these values in it; with `live_seconds` it asks for new ones that often."""
    room = files("spoolq.report")
    style = (room / "page.css").read_text(encoding="utf-8")
    script = (room / "page.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    if live_seconds:
        policy += "; connect-src 'self'"
    page = (room / "page.html").read_text(encoding="utf-8")
    for mark, text in (
        ("@POLICY@", policy),
        ("@LIVE@", f"{live_seconds:g}"),
        ("@STYLE@", style),
        ("@SCRIPT@", script),
        ("@DATA@", embedded(data)),  # last: nothing in it is a mark any more
    ):
        page = page.replace(mark, text)
    return page


def embedded(data: dict[str, Any]) -> str:
    """JSON that is harmless between two tags: no tag, comment or entity can begin in it."""
    text = json.dumps(data, separators=(",", ":"))
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
