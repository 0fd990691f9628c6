"""The soak's judge finds what it looks for, in histories made up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from soak.judge import complaints, memory_complaint

if TYPE_CHECKING:
    from pathlib import Path

LEASE_SECONDS = 2.0
GOOD = """
published 10.0 p-0 A
published 10.1 p-1 B
took 11.0 A h-1-X 1 13.0
took 13.5 A h-2-Y 2 15.5
did 13.6 A h-2-Y
took 11.0 B h-3-X 1 13.0
gave-back 11.1 B h-3-X release
took 11.2 B h-4-X 1 13.2
did 11.3 B h-4-X
ended 14.0 A done
ended 14.0 B done
"""


def judged(logs: Path, history: str) -> list[str]:
    """What the judge says of it; publishers and consumers write to logs of their own."""
    consumers, others = [], []
    for line in history.strip().splitlines():
        is_consumer = line.split()[0] in {"took", "did", "gave-back", "lost"}
        (consumers if is_consumer else others).append(f"{line}\n")
    (logs / "consumer-1.log").write_text("".join(consumers))
    (logs / "publisher-1.log").write_text("".join(others))
    return list(complaints(logs, LEASE_SECONDS))


def test_a_good_history_is_not_complained_of(tmp_path: Path) -> None:
    assert judged(tmp_path, GOOD) == []


def test_taken_and_asleep_until_after_the_deadline_is_no_second_holder(tmp_path: Path) -> None:
    late = GOOD.replace("took 11.0 A h-1-X 1 13.0", "took 14.5 A h-1-X 1 13.0")
    assert judged(tmp_path, late) == []


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("ended 14.0 A done\n", "", "never ended"),
        ("took 13.5 A", "took 12.5 A", "two holders"),
        ("h-2-Y 2", "h-2-Y 1", "do not grow"),
        ("B h-3-X release", "B h-3-X fail", "do not grow"),
        ("did 11.3 B h-4-X", "did 11.3 B h-4-X\ntook 11.5 B h-5-X 2 13.5", "two holders"),
        ("took 13.5 A", "did 12.0 A h-1-X\ntook 13.5 A", "taken when done"),
        ("took 13.5 A", "did 13.2 A h-1-X\ntook 13.5 A", "then:"),
        ("ended 14.0 A done", "ended 13.0 A cancelled", "then:"),
    ],
    ids=["lost", "two", "attempt", "failed-attempt", "held", "done", "done-late", "ended"],
)
def test_a_broken_promise_is_found(tmp_path: Path, good: str, bad: str, told: str) -> None:
    assert good in GOOD
    found = judged(tmp_path, GOOD.replace(good, bad))
    assert len(found) == 1, found
    assert told in found[0]


def test_growing_memory_is_found() -> None:
    before = {"steady": 30 << 20, "grown": 30 << 20}
    found = list(memory_complaint(before, {"steady": 40 << 20, "grown": 60 << 20}))
    assert len(found) == 1
    assert "the grown grew" in found[0]
