"""The judge of histories finds each broken promise, and nothing wrong where none is."""

from __future__ import annotations

import pytest

from nfs.history import History

SECOND = 1000
GOOD = {
    "p": ["1000 published A", "1100 cancelling B", "1200 cancelled B cancelled 0", "1300 finished"],
    "c1": [
        "2000 took A h-1-L 9.7 10.0 1",
        "2500 renewed A h-1-M 9.7 10.0",
        "3000 ending A h-1-M failed",
        "3010 ended A h-1-M failed",
    ],
    "c2": [
        "4000 took A h-2-L 9.7 10.0 2",
        "4100 ending A h-2-L done",
        "4200 ended A h-2-L done",
    ],
}


def judged(done: list[str], **changed: list[str]) -> list[str]:
    return list(History({**GOOD, **changed}, SECOND).violations(done))


def test_a_good_history_has_no_violations() -> None:
    assert judged(["A"]) == []
    assert judged([]) == []  # pruned, but its done was seen
    assert History(GOOD, SECOND).redelivered == 1


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("never finished", {"c2": []}),
        ("cancelled before it was taken", {"c3": ["1250 took B h-3-L 9.7 10.0 1"]}),
        ("after its done", {"c3": ["14500 took A h-3-L 9.7 10.0 3"]}),
        ("two live holders", {"c3": ["2600 took A h-3-L 9.7 10.0 2"]}),
        ("did not grow", {"c2": [line.replace("10.0 2", "10.0 1") for line in GOOD["c2"]]}),
        ("Traceback", {"c3": ["Traceback (most recent call last):"]}),
    ],
)
def test_each_broken_promise_is_found(what: str, changed: dict[str, list[str]]) -> None:
    assert any(what in told for told in judged([], **changed)), judged([], **changed)


def test_a_renewed_lease_is_live_until_its_new_end() -> None:
    late = {"c1": GOOD["c1"][:2], "c2": [], "c3": ["12100 took A h-3-L 9.7 10.0 2"]}
    assert any("two live holders" in told for told in judged(["A"], **late))
    expired = {**late, "c3": ["12300 took A h-3-L 9.7 10.0 2"]}
    assert judged(["A"], **expired) == []


def test_a_released_attempt_may_be_given_out_under_the_same_number() -> None:
    released = [line.replace("failed", "released") for line in GOOD["c1"]]
    again = [line.replace("10.0 2", "10.0 1") for line in GOOD["c2"]]
    assert judged(["A"], c1=released, c2=again) == []


def test_a_killed_guest_proves_nothing_after_its_last_line() -> None:
    cut = {"c1": GOOD["c1"][:1], "c2": []}
    assert judged(["A"], **cut) == []
    assert any("never finished" in told for told in judged([], **cut))
