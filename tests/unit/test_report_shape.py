"""How a report's numbers come about: slices, classes, tables, lists. Pure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import spoolq.report
from spoolq.report import lists, page, shape
from spoolq.report.gather import Row, Story, waits

TIME = st.floats(0, 2e9)
CSS = (Path(spoolq.report.__file__).parent / "page.css").read_text()


def row(outcome: str = "done", ended_at: float = 100.0, **more: object) -> Row:
    given: dict[str, object] = {
        "outcome": outcome,
        "id": "5-20261124T093000000000-K3QZ7M2A",
        "attempt": 1,
        "taken_at": ended_at - 1,
        "ended_at": ended_at,
        "owner": "alpha-1",
        "reason": None,
    }
    return Row(**(given | more))  # type: ignore[arg-type]


@given(TIME, st.floats(0, 1e9), st.integers(2, 240))
def test_slices_cover_the_span_and_are_few(first: float, span: float, most: int) -> None:
    cut = shape.slices(first, first + span, most)
    assert cut.start <= first
    assert cut.end > first + span
    assert 1 <= cut.count <= most + 1


@given(TIME)
def test_every_time_has_a_slice(at: float) -> None:
    cut = shape.slices(1e9, 1e9 + 3600, 60)
    assert 0 <= cut.index(at) < cut.count


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_longer_lengths_are_in_no_lower_class(one: float, other: float) -> None:
    shorter, longer = sorted((shape.class_of(one), shape.class_of(other)))
    assert 0 <= shorter <= longer < shape.CLASSES
    assert (shape.class_of(min(one, other)), shape.class_of(max(one, other))) == (shorter, longer)


def test_a_class_is_a_third_wider_than_the_one_before() -> None:
    assert [shape.class_of(s) for s in (0, 0.001, 0.00101, 0.01, 1, 1e6, 1e9)] == [
        0, 0, 1, 9, 25, 72, 72,
    ]  # fmt: skip


@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(0, 100)), max_size=20))
def test_occupied_is_the_time_covered_slice_by_slice(spans: list[tuple[float, float]]) -> None:
    cut = shape.Slices(0.0, 10.0, 10)
    ends = [(since, since + length) for since, length in spans]
    for position, level in enumerate(shape.occupied(ends, cut)):
        low, high = position * 10.0, position * 10.0 + 10
        covered = sum(max(0.0, min(b, high) - max(a, low)) for a, b in ends)
        assert level == pytest.approx(covered / 10, abs=1e-6)


def test_workers_beyond_the_most_are_put_together() -> None:
    rows = [row(owner=f"w{number}") for number in range(5) for _ in range(number + 1)]
    assert shape.owners(rows, [], 3) == ["w2", "w3", "w4", shape.OTHERS]
    known = shape.owners(rows, [], 3)
    counted = shape.table(rows, [], shape.slices(0, 200, 10), known, 1)
    assert sum(count for (_, owner, _), count in counted.ended.items() if owner == 3) == 1 + 2


def test_table_counts_every_attempt_once() -> None:
    rows = [row("done", 10.0), row("failed", 10.0), row("done", 190.0, taken_at=None)]
    counted = shape.table(rows, [(5.0, rows[0])], shape.Slices(0, 10, 20), ["alpha-1"], 4)
    assert counted.ended == {(1, 0, 0): 1, (1, 0, 1): 1, (19, 0, 0): 1}
    assert sum(counted.lengths.values()) == 2
    assert counted.waits == {(0, 0, 0, shape.class_of(5.0)): 1}
    assert counted.values()["ended"][:4] == [1, 0, 0, 1]


def test_a_job_waits_from_its_publishing_then_from_its_last_attempt() -> None:
    published = 1795512600.0  # what the id says
    first = row("failed", published + 30, taken_at=published + 20)
    second = row("done", published + 95, taken_at=published + 90, attempt=2)
    story = Story("/spool", published + 200, 0, rows=[second, first])
    story.waiting = [("5-20261124T093100000000-K3QZ7M2A", published + 60)]
    spans = {(since - published, until - published) for since, until, _ in waits(story)}
    assert spans == {(0, 20), (30, 90), (60, 200)}


def test_reasons_that_differ_in_numbers_only_are_one_kind() -> None:
    kinds = {
        lists.kind_of(reason)
        for reason in ("no page 17 at 0x7f3a", "no page 9 at 0x11\nwith a second line")
    }
    assert kinds == {"no page # at #"}
    assert lists.kind_of("exit status 13 after 20 s") == "exit status 13 after # s"
    assert lists.kind_of("killed by signal 9") == "killed by signal 9"
    assert lists.kind_of(None) == lists.kind_of(" \n") == "(no reason given)"


def test_failures_are_grouped_most_frequent_first_the_rest_together() -> None:
    rows = [row("failed", reason=reason) for reason in ["b"] * 3 + ["a"] * 2 + ["c", "d"]]
    rows.append(row("done"))
    found = [(kind, len(members)) for kind, members in lists.failures(rows, 2)]
    assert found == [("b", 3), ("a", 2), (lists.REST, 2)]


def test_slowest_and_most_retried() -> None:
    rows = [row(ended_at=100.0, taken_at=100.0 - s, id=f"{s}") for s in (1, 9, 5)]
    rows.append(row(taken_at=None, id="unknown"))
    assert [each.id for each in lists.slowest(rows, 2)] == ["9", "5"]
    again = [row("failed", id="x", attempt=2), row(id="x", attempt=3), row(id="y", attempt=2)]
    assert [(each.id, each.attempt) for each in lists.most_retried(again, 9)] == [
        ("x", 3),
        ("y", 2),
    ]


def test_a_million_spread_attempts_make_a_small_page() -> None:
    """A hundredth of them, and a bound a hundredth as large: what counts is the number of cells."""
    rows = [
        row(
            shape.OUTCOMES[number % 6],
            1e9 + number * 8.64,
            taken_at=1e9 + number * 8.64 - 1.17 ** (number % 90),
            owner=f"worker-{number % 300}",
            reason=f"reason {'x' * (number % 100)}",
        )
        for number in range(10_000)
    ]
    story = Story("/spool", 1e9 + 86400, 1e9, rows=rows, counts=dict.fromkeys(
        ("ready", "leased", "delayed", "done", "failed"), 0))  # fmt: skip
    assert len(page.html(page.values(story))) < 600_000


@pytest.mark.parametrize("hostile", ["</script><script>", "<!--", "]]>", "&lt;", "\u2028"])
def test_nothing_embedded_can_end_the_script_or_begin_a_tag(hostile: str) -> None:
    import json

    text = page.embedded({"reason": hostile})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"reason": hostile}


def test_page_names_no_other_host_and_marks_are_all_filled() -> None:
    story = Story("/spool@STYLE@", 1e9, 0, counts=dict.fromkeys(
        ("ready", "leased", "delayed", "done", "failed"), 0))  # fmt: skip
    text = page.html(page.values(story))
    assert re.findall(r"https?://[^\s\"']+", text) == ["http://www.w3.org/2000/svg"]
    assert "/spool@STYLE@" in text
    assert "@DATA@" not in text
    assert "@POLICY@" not in text


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_contrast(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#\w{6})", block))

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(colours[one]), luminance(colours[other])))
        return (high + 0.05) / (low + 0.05)

    for text in ("ink", "soft", "accent"):
        for ground in ("paper", "card"):
            assert contrast(text, ground) >= 4.5, (text, ground)
    for drawn in (*shape.OUTCOMES, "waiting", "running"):
        assert contrast(drawn, "card") >= 3, drawn
