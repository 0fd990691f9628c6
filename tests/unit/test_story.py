"""The attempts of a job, put together from sources that each tell a part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from spoolq.rules import story
from spoolq.rules.journal import Attempt
from spoolq.rules.story import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

ID = "5-20261124T093000000000-K3QZ7M2A"


def line(outcome: str, attempt: int, taken: float, ended: float) -> Told:
    return story.from_journal(Attempt(outcome, ID, attempt, taken, ended, "alpha-1"))


def told(found: Sequence[Told]) -> list[tuple[int, str]]:
    return [(one.attempt, one.outcome) for one in found]


def test_an_end_and_an_event_of_one_lease_are_one_attempt() -> None:
    end = story.from_record({"attempt": 2, "lease": "a-1-X", "ended_at": "x"}, "failed")
    event = story.from_record(
        {"attempt": 2, "lease": "a-1-X", "at": "2026-11-24T09:30:00Z", "reason": "r"}, "failed"
    )
    assert end
    assert event
    (one, two) = story.put_together([end, event], [], 2)
    assert (one.outcome, one.attempt) == ("unknown", 1)
    assert (two.reason, two.host) == ("r", "a")
    assert two.ended_at is not None


def test_the_journal_adds_how_long_it_took_and_attempts_nobody_else_tells_of() -> None:
    known = Told(2, "failed", lease="a-1-X", ended_at=100.0)
    found = story.put_together(
        [known], [line("failed", 1, 50.0, 60.0), line("gave_up", 2, 90.0, 100.4)], 2
    )
    assert told(found) == [(1, "failed"), (2, "failed")]
    assert found[1].seconds == 10.0
    assert found[1].lease == "a-1-X"


def test_equal_numbers_after_a_retry_stay_apart() -> None:
    first = Told(1, "failed", lease="a-1-X", ended_at=100.0)
    second = Told(1, "failed", lease="a-1-Y", ended_at=200.0)
    assert told(story.put_together([second, first], [], 1)) == [(1, "failed"), (1, "failed")]


def test_what_runs_comes_last() -> None:
    found = story.put_together([Told(2, "running"), Told(1, "expired", ended_at=5.0)], [], 0)
    assert told(found) == [(1, "expired"), (2, "running")]


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = ("attempt", "owner", "lease", "at", "ended_at", "reason", "run")


@given(
    st.dictionaries(st.sampled_from(KEYS), JUNK | st.dictionaries(st.text(max_size=14), JUNK)),
    st.sampled_from(["failed", "expired", "retried", None]),
)
def test_hostile_records_are_attempts_or_nothing(record: dict[str, Any], event: str | None) -> None:
    one = story.from_record(record, event)
    if one is not None:
        assert one.attempt >= 1
        assert story.put_together([one, one], [line("failed", 1, 0.0, 1.0)], 3)
