"""`spoolq fail`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_a_failed_attempt_is_counted_and_waits_its_back_off(
    cli: Callable, taken: Callable, spool: Spool
) -> None:
    name = taken()
    ran = cli("fail", name, "--reason", "no such page").good()
    assert (ran.out, ran.err) == ("", "")
    job = spool.get(name.partition(".")[0])
    assert (job.status.name, job.reschedules) == ("DELAYED", 1)
    assert spool.history(job.id)[-1]["reason"] == "no such page"


def test_no_retry_fails_for_good_with_the_reason(
    cli: Callable, taken: Callable, spool: Spool
) -> None:
    name = taken()
    cli("fail", "--no-retry", "--reason", "no PDF", name).good()
    job = spool.get(name.partition(".")[0])
    assert (job.status.name, job.reason, job.outcome) == ("FAILED", "no PDF", "failed")


def test_used_up_attempts_fail_for_good(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken(max_attempts=1)
    (found,) = cli("fail", "--json", name).good().objects
    assert (found["status"], found["name"], found["outcome"]) == ("failed", name, "failed")
    assert spool.stats().failed == 1


def test_delay_zero_is_ready_at_once(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    (found,) = cli("fail", "--delay", "0", "--json", name).good().objects
    assert (found["status"], found["reschedules"]) == ("ready", 1)


def test_a_delay_is_kept_to(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    cli("fail", "--delay", "1h", name).good()
    job = spool.get(name.partition(".")[0])
    assert job.next_execution_at is not None
    now = spool.get(spool.publish(b"")).published_at
    assert now is not None
    assert 3500 < (job.next_execution_at - now).total_seconds() <= 3601


@pytest.mark.guarantee("I5")
def test_a_lost_lease_is_status_4(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    cli("done", name).good()
    assert " is lost: " in cli("fail", name).bad(4)
    assert spool.get(name.partition(".")[0]).status.name == "DONE"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--no-retry", "--delay", "1"), "--delay and --no-retry contradict each other"),
        (("--reason", "\udcff"), "argument --reason: '\\udcff' is not valid UTF-8"),
        (("--delay", "x"), "argument --delay: 'x' is no duration"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    cli: Callable, taken: Callable, spool: Spool, words: tuple[str, ...], why: str
) -> None:
    name = taken()
    before = spool.get(name.partition(".")[0])
    assert why in cli("fail", name, *words).bad(2)
    assert spool.get(before.id) == before


def test_a_hostile_reason_is_kept_as_it_is_and_shown_harmless(
    cli: Callable, taken: Callable
) -> None:
    name = taken()
    hostile = "\x1b[31mred\x07\nline two \u202e rtl"
    cli("fail", "--no-retry", "--reason", hostile, name).good()
    (found,) = cli("ls", "--json", "failed").good().objects
    assert found["reason"] == hostile
    for words in (("ls",), ("show", found["id"])):
        ran = cli(*words).good()
        assert "\\x1b[31mred\\x07\\nline two \\u202e rtl" in ran.out
        assert all(line.isprintable() for line in ran.lines)
