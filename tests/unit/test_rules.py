"""Settings, leases' arithmetic, back-off and pace: pure decisions."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.errors import InvalidSetting
from spoolq.rules import leases, retries, settings
from spoolq.waiting import pace

CHANCE = st.floats(0, 1, exclude_max=True)


def test_settings_read_back_from_their_text() -> None:
    chosen = settings.checked({"lease_seconds": 5, "durability": "off", "group": True})
    assert settings.from_mapping(json.loads(settings.to_text(chosen))) == chosen


def test_keys_of_newer_releases_in_spool_json_are_left_alone() -> None:
    assert settings.from_mapping({"format": 1, "colour": "blue"}) == settings.Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lease_seconds", 0),
        ("lease_seconds", -1),
        ("lease_seconds", math.nan),
        ("lease_seconds", math.inf),
        ("lease_seconds", 10**400),
        ("lease_seconds", "60"),
        ("lease_seconds", True),
        ("lease_seconds", 1e12),
        ("max_attempts", 1.5),
        ("max_attempts", -1),
        ("max_attempts", True),
        ("durability", "sometimes"),
        ("durability", 1),
        ("max_task_bytes", 0),
        ("group", 1),
        ("retention_seconds", -1),
        ("retry_delay_max_seconds", 0.5),
        ("watch", "both"),
        ("poll_seconds", 0),
        ("no_such_setting", 1),
    ],
)
def test_setting_that_makes_no_sense_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidSetting, match=name) as caught:
        settings.checked({name: value})
    assert caught.value.name == name


@pytest.mark.guarantee("I5")
@given(st.floats(0.01, 1e6), st.floats(0, 1e9))
def test_holder_stops_trusting_before_anybody_may_reap(term: float, started: float) -> None:
    trusted_until = leases.trusted_until(started, term)
    # The server's stamp is no earlier than a tick before the attempt began.
    stamped_at_earliest = started - 0.01
    assert trusted_until <= stamped_at_earliest + term + 1e-6 * term
    assert not leases.is_over(stamped_at_earliest + term, trusted_until - 1e-6 * (1 + started))


@given(st.floats(0.1, 1e6))
def test_renewal_comes_early_enough_for_two_more_tries(term: float) -> None:
    assert leases.renew_after_seconds(term) * 2 < term - leases.margin_seconds(term)


def test_allowance_of_attempts() -> None:
    assert not leases.gives_up(10**6, 0)
    assert not leases.gives_up(2, 3)
    assert leases.gives_up(3, 3)
    assert leases.gives_up(4, 3)


@given(st.integers(1, 10_000), st.floats(0, 100), st.floats(100, 1e6), CHANCE)
def test_backoff_stays_within_its_bounds(
    attempt: int, first: float, most: float, chance: float
) -> None:
    assert 0 <= retries.backoff_seconds(attempt, first, most, chance) <= most * 1.1


def test_backoff_doubles() -> None:
    assert [retries.backoff_seconds(n, 1, 300, 0.5) for n in (1, 2, 3, 9, 10, 99)] == [
        1,
        2,
        4,
        256,
        300,
        300,
    ]


@given(st.integers(0, 10_000), st.floats(0.05, 60), CHANCE)
def test_poll_is_never_slower_than_its_cap_and_never_busy(
    idle: int, most: float, chance: float
) -> None:
    assert 0.01 <= pace.poll_seconds(idle, most, chance) <= most


@given(st.floats(0.01, 1e6), CHANCE)
def test_upkeep_sees_every_usual_lease_before_it_ends(term: float, chance: float) -> None:
    assert 0 < pace.upkeep_seconds(term, chance) <= max(0.05, term / 4)
