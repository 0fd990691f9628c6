"""Everything about one job, for people: one fact a line, times with how long ago."""

from __future__ import annotations

from spoolq.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from spoolq.jobs import JobInfo

_NAME_COLUMNS = 13
_TOLD_ABOVE = {
    "id",
    "outcome",
    "attempt",
    "owner",
    "ended_at",
    "reason",
    "reschedules",
    "lease",
    "granted_at",
}
"""Keys of an end record that `show` tells in words of its own, or that are of no use any more."""
_TOLD_AS_TIMES = {"started_at", "finished_at", "host"}
_TOLD_AS_ATTEMPTS = {"failed", "expired", "released", "done"}


def show(job: JobInfo, more: dict[str, Any], now: datetime) -> None:
    """Print a job's facts; those there are none of are left out."""
    word = output.word_of(job)
    output.line(output.paint(output.printable(job.id), "bold"))
    _fact("state", output.paint(word, word))
    _fact("attempt", job.attempt or None)
    _fact("published", _when(job.published_at, now))
    _fact("published by", more.get("published_by"))
    _show_present(job, more, now)
    _show_end(job, more, now)
    _show_options(job, more)
    _fact("task", f"{output.size(more['size'])}" if more.get("size") is not None else None)
    _fact("path", more.get("path"))
    _show_attempts(more.get("attempts") or [], now)
    _show_history(more.get("history") or [], now)
    for number, reason in enumerate(more.get("waits_for") or []):
        _fact("" if number else "waits", reason["text"])


def _show_present(job: JobInfo, more: dict[str, Any], now: datetime) -> None:
    if job.next_execution_at is not None and job.deadline is None:
        _fact("due", _when(job.next_execution_at, now))
    if job.deadline is not None:
        _fact("holder", job.owner or "unknown")
        _fact("lease", more.get("lease"))
        _fact("deadline", _when(job.deadline, now))


def _show_end(job: JobInfo, more: dict[str, Any], now: datetime) -> None:
    end = more.get("end") or {}
    if job.outcome is not None:
        _fact("ended", _when_told(more.get("ended_at"), now))
        _fact("ended by", job.owner)
    _fact("reason", job.reason)
    for name, value in end.items():
        if name not in _TOLD_ABOVE and name != "run":
            _fact(name.replace("_", " "), value)
    run = end.get("run")
    for name, value in (run if isinstance(run, dict) else {}).items():
        if name not in _TOLD_AS_TIMES:
            _fact(name.replace("_", " "), value)


def _show_options(job: JobInfo, more: dict[str, Any]) -> None:
    _fact("priority", job.priority)
    _fact("key", more.get("key"))
    for name, value in (more.get("headers") or {}).items():
        _fact("header", f"{name}={value}")
    if more.get("lease_seconds") is not None:
        _fact("lease seconds", f"{more['lease_seconds']:g}")
    _fact("max attempts", more.get("max_attempts"))


def _show_attempts(attempts: list[dict[str, Any]], now: datetime) -> None:
    for number, attempt in enumerate(attempts):
        _fact("" if number else "attempts", _attempt(attempt, now))
        for log in attempt["logs"]:
            _fact("", f"   {log}")


def _attempt(attempt: dict[str, Any], now: datetime) -> str:
    """An attempt as a sentence: `2 failed after 12s, node7-4711: exit status 3 (2024-... ago)`."""
    said = f"{attempt['attempt']} {attempt['outcome']}"
    if attempt["outcome"] == "running":
        started = _when_told(attempt["started_at"], now)
        said += f" since {started}" if started else ""
    elif attempt["seconds"] is not None:
        said += f" after {output.span(attempt['seconds'])}"
    who = attempt["owner"] or attempt["host"]
    said += f", {who}" if who else ""
    # An owner is called after its host, unless it chose its name itself.
    if who and attempt["host"] and not who.startswith(attempt["host"]):
        said += f" on {attempt['host']}"
    ended = _when_told(attempt["ended_at"], now)
    said += f", {ended}" if ended else ""
    return f"{said}: {attempt['reason']}" if attempt["reason"] else said


def _show_history(events: list[dict[str, Any]], now: datetime) -> None:
    others = [event for event in events if event.get("event") not in _TOLD_AS_ATTEMPTS]
    for number, event in enumerate(others):
        when = _when_told(event.get("at"), now) or "at some time"
        _fact("" if number else "history", f"{when}  {_event(event)}")


def _event(event: dict[str, Any]) -> str:
    """An event as a sentence: `retried, by node7-4711`."""
    said = str(event.get("event"))
    said += f", by {event['by']}" if event.get("by") else ""
    return f"{said}: {event['reason']}" if event.get("reason") else said


def _fact(name: str, value: object) -> None:
    if value is None or value == "":
        return
    text = str(value)
    # Colours are ours; everything else was somebody's.
    shown = text if text.startswith("\x1b[") and name == "state" else output.printable(text)
    output.line(f"  {output.printable(name):<{_NAME_COLUMNS}} {shown}")


def _when_told(text: object, now: datetime) -> str | None:
    """A time as a record tells it; as it stands there when it is none."""
    from datetime import datetime

    if not isinstance(text, str):
        return None
    try:
        return _when(datetime.fromisoformat(text), now)
    except (ValueError, TypeError):
        return text


def _when(moment: datetime | None, now: datetime) -> str | None:
    if moment is None:
        return None
    seconds = (now - moment).total_seconds()
    away = f"{output.span(seconds)} ago" if seconds >= 0 else f"in {output.span(-seconds)}"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({away})"
