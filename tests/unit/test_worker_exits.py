"""What a command's end means for its job, and how it is put into words."""

from __future__ import annotations

import errno
import signal
from typing import Any

import pytest

from spoolq.errors import InvalidSetting
from spoolq.worker.child import Ended
from spoolq.worker.exits import Action, Policy, describe, end_record, judge, parse_ends


def ended(code: int | None = None, **facts: Any) -> Ended:
    known = {"number": 1, "signal": None, "stopped": None, "started": 0.0, "finished": 1.5}
    return Ended(exit_code=code, **(known | facts))


KILLED = ended(signal=signal.SIGKILL)
TIMED_OUT = ended(signal=signal.SIGTERM, stopped="timeout")


@pytest.mark.parametrize(
    ("end", "action", "reason"),
    [
        (ended(0), Action.DONE, "exit status 0"),
        (ended(1), Action.FAIL, "exit status 1"),
        (ended(75), Action.POSTPONE, "exit status 75"),
        (ended(126), Action.FAIL, "exit status 126: cannot be executed?"),
        (ended(127), Action.FAIL, "exit status 127: command not found?"),
        (ended(137), Action.FAIL, "exit status 137: killed by SIGKILL, as a shell reports it?"),
        (ended(255), Action.FAIL, "exit status 255"),
        (KILLED, Action.FAIL, "killed by signal 9 (SIGKILL)"),
        (TIMED_OUT, Action.FAIL, "timed out after 15 s"),
        (ended(0, stopped="timeout"), Action.FAIL, "timed out after 15 s"),
        (
            ended(75, stopped="timeout", killed=True),
            Action.FAIL,
            "timed out after 15 s, had to be killed",
        ),
        (ended(0, stopped="request"), Action.RELEASE, "stopped by the worker"),
        (ended(1, stopped="lease"), Action.RELEASE, "stopped: its lease was not renewed in time"),
        (ended(1, stopped="guard"), Action.RELEASE, "killed: the worker's guard process died"),
        (ended(1, stopped="walltime"), Action.RELEASE, "stopped: walltime"),
        (
            ended(127, start_errno=errno.ENOENT, start_error="x: No such file or directory"),
            Action.FAIL,
            "could not be started: x: No such file or directory",
        ),
        (
            ended(126, start_errno=errno.EAGAIN, start_error="no"),
            Action.POSTPONE,
            "could not be started: no",
        ),
    ],
)
def test_the_first_attempt_without_retries(end: Ended, action: Action, reason: str) -> None:
    verdict = judge(end, attempt=1, time_limit=15.0)
    assert (verdict.action, verdict.reason) == (action, reason)


@pytest.mark.parametrize(
    ("attempt", "retries", "max_attempts", "action"),
    [
        (1, 1, 0, Action.RETRY),
        (2, 1, 0, Action.FAIL),
        (1, 0, 0, Action.FAIL),
        (1, 0, 2, Action.RETRY),
        (2, 0, 2, Action.FAIL),
        (3, 0, 2, Action.FAIL),
        (3, 3, 2, Action.RETRY),
    ],
)
def test_retries_or_attempts_allow_another(
    attempt: int, retries: int, max_attempts: int, action: Action
) -> None:
    policy = Policy(retries=retries)
    verdict = judge(ended(1), attempt=attempt, max_attempts=max_attempts, policy=policy)
    assert verdict.action is action


@pytest.mark.parametrize(
    ("end", "retry_on", "no_retry_on", "action"),
    [
        (ended(3), "3", "9", Action.RETRY),
        (ended(4), "3", "9", Action.FAIL),
        (ended(9), "1-20", "9", Action.FAIL),
        (KILLED, "SIGKILL", "9", Action.RETRY),
        (KILLED, "9", "1", Action.FAIL),
        (TIMED_OUT, "timeout", "1", Action.RETRY),
        (TIMED_OUT, "SIGTERM", "1", Action.FAIL),
        (ended(75), "3", "9", Action.POSTPONE),
        (ended(75), "3", "75", Action.FAIL),
    ],
)
def test_lists_narrow_what_is_retried(
    end: Ended, retry_on: str, no_retry_on: str, action: Action
) -> None:
    policy = Policy(5, parse_ends("retry_on", retry_on), parse_ends("no_retry_on", no_retry_on))
    assert judge(end, attempt=1, policy=policy).action is action


@pytest.mark.parametrize("end", [ended(signal=15), ended(signal=2), ended(143), ended(130)])
def test_a_signal_that_the_worker_got_too_fails_nothing(end: Ended) -> None:
    assert judge(end, attempt=1, told_to_end=True).action is Action.RELEASE
    assert judge(end, attempt=1).action is Action.FAIL


@pytest.mark.parametrize("end", [ended(1), KILLED, TIMED_OUT])
def test_other_ends_fail_though_the_worker_was_told_to_end(end: Ended) -> None:
    assert judge(end, attempt=1, told_to_end=True).action is Action.FAIL


def test_lists_are_read() -> None:
    assert parse_ends("o", "1, 64-66,sigsegv,KILL,SIG15,Timeout") == {
        1, 64, 65, 66, "SIGSEGV", "SIGKILL", "SIGTERM", "timeout",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "0", "256", "1-", "-1", "5-2", "1,,2", "SIGNONE", "SIG0", "SIG999", "x", "1-0x9", "²"],
)
def test_nonsense_in_a_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting) as error:
        parse_ends("retry_on", text)
    assert error.value.name == "retry_on"


def test_a_signal_without_a_name_has_its_number() -> None:
    assert describe(ended(signal=63)) == "killed by signal 63 (SIG63)"


def test_the_record_tells_signals_and_timeouts_apart() -> None:
    record = end_record(TIMED_OUT, host="h", attempt=2)
    assert record["timed_out"] is True
    assert (record["signal"], record["exit_code"]) == ("SIGTERM", None)
    assert record["finished_at"] == "1970-01-01T00:00:01.500000Z"
    assert end_record(KILLED, host="h", attempt=2)["timed_out"] is False
    assert end_record(ended(3), host="h", attempt=2)["signal"] is None
