"""A job as one row of a table for people: id, state, age, attempts, and what there is to say."""

from __future__ import annotations

from spoolq.cli import output
from spoolq.jobs import JobStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from spoolq.jobs import JobInfo

# Widths are fixed, so that rows can be printed as they are found, a million of them too.
_ID_COLUMNS = 34
_STATE_COLUMNS = 9
_AGE_COLUMNS = 5
_TRY_COLUMNS = 3


def heading() -> str:
    """The line above the rows, for terminals."""
    return output.paint(_joined("JOB", "STATE", "AGE", "TRY", ""), "bold")


def row(job: JobInfo, now: datetime, columns: int | None) -> str:
    """A job's row, cut to a terminal's columns (None: whole, and plain)."""
    word = output.word_of(job)
    age = "" if job.published_at is None else output.span((now - job.published_at).total_seconds())
    tried = str(job.attempt) if job.attempt else "-"
    plain = _joined(output.printable(job.id), word, age, tried, output.printable(remark(job, now)))
    if columns is None:
        return plain.rstrip()
    cut = output.cut(plain.rstrip(), columns)
    # Colour comes last: it has no width.
    return cut.replace(f"  {word} ", f"  {output.paint(word, word)} ", 1)


def _joined(job_id: str, word: str, age: str, tried: str, said: str) -> str:
    return (
        f"{job_id:<{_ID_COLUMNS}}  {word:<{_STATE_COLUMNS}} "
        f"{age:>{_AGE_COLUMNS}} {tried:>{_TRY_COLUMNS}}  {said}"
    )


def remark(job: JobInfo, now: datetime) -> str:
    """What a person wants to know next: who has it until when, when it is due, why it failed."""
    if job.status == JobStatus.PROCESSING:
        return f"{job.owner or 'unknown holder'}, {_lease_left(job, now)}"
    if job.status == JobStatus.DELAYED and job.next_execution_at is not None:
        left = (job.next_execution_at - now).total_seconds()
        return f"due in {output.span(left)}" if left > 0 else "due"
    return job.reason or ""


def _lease_left(job: JobInfo, now: datetime) -> str:
    if job.deadline is None:
        return "no deadline known"
    left = (job.deadline - now).total_seconds()
    return f"{output.span(left)} left" if left > 0 else f"expired {output.span(-left)} ago"
