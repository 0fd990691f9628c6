"""`submit --wait`: show what commands print, and end as they end."""

from __future__ import annotations

from spoolq.cli import following, output
from spoolq.errors import UnknownJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool

TIMED_OUT = 124
NO_STATUS = 6


def attend(spool: Spool, ids: list[str]) -> int:
    """Follow the jobs one by one, in their order; the highest exit status of their commands."""
    _tell_if_nobody_works(spool)
    return max((_attend(spool, job_id) for job_id in ids), default=0)


def _tell_if_nobody_works(spool: Spool) -> None:
    """Whoever waits at a terminal should not wonder why nothing comes."""
    import sys

    from spoolq.looking.crew import workers
    from spoolq.queue import internals

    if not output.is_terminal(sys.stderr):
        return
    opened = internals(spool)
    now = opened.clock.estimate()
    if not any(worker.is_alive(now) for worker in workers(opened)):
        output.say("no worker is alive: 'spoolq work --commands', on any host, would run this")


def _attend(spool: Spool, job_id: str) -> int:
    from spoolq.queue import internals

    sinks = {"out": following.to_stdout, "err": following.to_stderr}
    follower = following.Follower(internals(spool), job_id, sinks)
    job = following.follow(spool, job_id, follower)
    return _told_status(spool, job)


def _told_status(spool: Spool, job: JobInfo) -> int:
    word = output.word_of(job)
    if word == "unknown":
        output.say(str(UnknownJob(job.id)))
        return UnknownJob.exit_code
    run: Any = (spool.details(job.id).get("end") or {}).get("run")
    status = exit_status(run) if isinstance(run, dict) and word != "cancelled" else None
    if word != "done" and (status is None or not _ended_itself(run)):
        past = "was cancelled" if word == "cancelled" else word
        output.say(f"job {job.id} {past}" + (f": {job.reason}" if job.reason else ""))
    if status is None:
        return 0 if word == "done" else NO_STATUS
    return status if word == "done" or status else NO_STATUS


def _ended_itself(run: dict[str, Any]) -> bool:
    """Whether the command has said itself why it failed, as those do that could be started."""
    return run.get("exit_code") not in {None, 126, 127} and not run.get("timed_out")


def exit_status(run: dict[str, Any]) -> int | None:
    """The exit status that a shell would give for a run's record; None when it tells none."""
    code = run.get("exit_code")
    if run.get("timed_out"):
        return TIMED_OUT
    if isinstance(code, int) and 0 <= code <= 255:
        return code
    number = _signal_number(run.get("signal"))
    return 128 + number if number else None


def _signal_number(name: object) -> int | None:
    import signal

    if not isinstance(name, str):
        return None
    if name in signal.Signals.__members__:
        return int(signal.Signals[name])
    digits = name.removeprefix("SIG")
    return int(digits) if digits.isascii() and digits.isdigit() and int(digits[:3]) < 65 else None
