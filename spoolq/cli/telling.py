"""A job's story and the reasons why it waits, as JSON values and as sentences."""

from __future__ import annotations

from spoolq.cli import output
from spoolq.looking import story as stories
from spoolq.looking import waits
from spoolq.queue import internals
from spoolq.rules import reasons, records
from spoolq.verbs import logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool
    from spoolq.rules.reasons import Reason, Situation
    from spoolq.rules.story import Told

_TIMES = ("until", "at")
_LATE_SECONDS = 2.0


def story(spool: Spool, job: JobInfo, details: dict[str, Any]) -> dict[str, Any]:
    """What `show` adds to a job and its details: every attempt, its end, what it waits for."""
    inside = internals(spool)
    attempts = stories.attempts(inside, job.id, details)
    ended = (details["end"] or {}).get("ended_at")
    if ended is None and job.outcome is not None and attempts:
        ended = _time(attempts[-1].ended_at)
    situation = waits.situation(inside, job)
    paths = _logs_of(spool, job.id, attempts)
    return {
        "ended_at": ended,
        "attempts": list(map(_attempt, attempts, paths)),
        "waits_for": [values(one, situation) for one in reasons.reasons(situation)],
    }


def _logs_of(spool: Spool, job_id: str, attempts: list[Told]) -> list[list[str]]:
    """For each attempt the paths of its logs.

    A log bears the lease that its run began under, an attempt the one it ended under; numbers
    repeat after a retry. So a log belongs to the first attempt of its number that ended after it.
    """
    found: list[list[str]] = [[] for _ in attempts]
    for log in logs.of_job(internals(spool), job_id):
        for position, one in enumerate(attempts):
            ended = one.ended_at
            if one.attempt == log.name.attempt and (
                ended is None or log.modified_at <= ended + _LATE_SECONDS
            ):
                found[position].append(f"{spool.path}/{log.path}")
                break
    return found


def _attempt(one: Told, paths: list[str]) -> dict[str, Any]:
    run = one.run or {}
    return {
        "attempt": one.attempt,
        "outcome": one.outcome,
        "owner": one.owner,
        "host": one.host,
        "lease": one.lease,
        "started_at": _time(one.started_at),
        "ended_at": _time(one.ended_at),
        "seconds": one.seconds,
        "reason": one.reason,
        "exit_code": run.get("exit_code"),
        "signal": run.get("signal"),
        "logs": paths,
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else records.to_iso(seconds)


def values(reason: Reason, at: Situation) -> dict[str, Any]:
    """A reason as JSON: its name, a sentence, and its facts."""
    facts = {
        name: _time(value) if name in _TIMES else value for name, value in reason.facts.items()
    }
    return {"name": reason.name, "text": sentence(reason, at), **facts}


def sentence(reason: Reason, at: Situation) -> str:
    """A reason for people."""
    told = reason.facts
    if reason.name in {"held", "expired"}:
        return _held(reason.name, told, at.now)
    if reason.name in {"delayed", "back-off", "overdue"}:
        return _due(reason.name, told, at.now)
    if reason.name == "paused":
        since = f" {output.span(at.now - told['at'])} ago" if told["at"] is not None else ""
        by = f" by {told['by']}" if told["by"] else ""
        return f"the spool was paused{since}{by}" + (f": {told['why']}" if told["why"] else "")
    if reason.name == "behind":
        count = told["jobs"]
        text = f"{count} job{'' if count == 1 else 's'} come{'s' if count == 1 else ''} before it"
        if told["seconds"] is None:
            return text
        return f"{text}, about {output.span(told['seconds'])} at the present rate"
    return _TAKERS[reason.name].format_map(told)


_TAKERS = {
    "no workers": "nobody takes jobs: no worker is alive, no lease is held, nothing ended lately",
    "draining": "all {workers} workers are draining: they take no more jobs",
    "all busy": "all {slots} slots of {workers} workers are busy",
}


def explanation(spool: Spool, job_id: str) -> str:
    """Why a job does not run, or who runs it, in lines for people; all of it escaped."""
    job = spool.get(job_id)
    at = waits.situation(internals(spool), job)
    texts = [sentence(reason, at) for reason in reasons.reasons(at)]
    return "\n".join(output.printable(text) for text in [f"is {output.word_of(job)}", *texts])


def _held(name: str, told: dict[str, Any], now: float) -> str:
    who = told["owner"] or "somebody unknown"
    where = f" (host {told['host']}, pid {told['pid']})" if told["host"] else ""
    if told["until"] is None:
        return f"held by {who}{where}; no deadline is to be read"
    until = f"{_clock(told['until'])} ({output.span(abs(told['until'] - now))} "
    if name == "held":
        return f"held by {who}{where} until {until}left)"
    return (
        f"held by {who}{where}, whose lease ended at {until}ago): "
        "the next consumer that looks gives it out again"
    )


def _due(name: str, told: dict[str, Any], now: float) -> str:
    when = _clock(told["until"])
    away = output.span(abs(told["until"] - now))
    if name == "overdue":
        return f"it was due at {when} ({away} ago), but no consumer is looking"
    if name == "delayed":
        return f"delayed until {when} (in {away})"
    why = f": {told['why']}" if told["why"] else ""
    return f"attempt {told['attempts']} failed{why}; it waits its back-off until {when} (in {away})"


def _clock(seconds: float) -> str:
    return f"{records.to_datetime(seconds):%Y-%m-%d %H:%M:%S} UTC"
