"""Rows and panels of the view as plain, escaped text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from spoolq.cli import output

if TYPE_CHECKING:
    from spoolq.cli.top.feed import Failure, Running
    from spoolq.rules.crew import Worker
    from spoolq.rules.health import Finding
    from spoolq.rules.overview import Overview

STYLES = {"ready": "", "leased": "cyan", "delayed": "yellow", "done": "green", "failed": "red"}


def cell(value: object, style: str = "") -> Text:
    """A value as a cell: never markup, nothing unprintable."""
    return Text(output.printable(value), style=style, no_wrap=True)


def of_running(job: Running) -> list[Text]:
    """The row of a job that runs."""
    late = job.left_seconds is not None and job.left_seconds < 0
    left = "" if job.left_seconds is None else output.span(abs(job.left_seconds))
    return [
        cell(job.id),
        cell(job.attempt),
        cell(job.owner),
        cell("" if job.seconds is None else output.span(job.seconds)),
        cell(f"-{left}" if late else left, "red" if late else ""),
        cell(job.command),
    ]


def of_worker(worker: Worker, now: float) -> list[Text]:
    """The row of a worker."""
    is_alive = worker.is_alive(now)
    state = "gone" if not is_alive else "draining" if worker.is_draining else "alive"
    style = {"gone": "red", "draining": "yellow"}.get(state, "green")
    return [
        cell(worker.host),
        cell(worker.pid),
        cell(state, style),
        cell(f"{worker.busy}/{worker.slots}"),
        cell(worker.done),
        cell(worker.failed, "red" if worker.failed else ""),
        cell(f"{output.span(now - worker.at)} ago"),
        cell(", ".join(job.command or job.id for job in worker.running[:3])),
    ]


def of_failure(failure: Failure) -> list[Text]:
    """The row of an attempt that went wrong."""
    return [
        cell(f"{output.span(failure.ago_seconds)} ago"),
        cell(failure.id),
        cell(failure.attempt),
        cell(failure.what, "red" if failure.what == "failed" else "yellow"),
        cell(failure.owner),
        cell(failure.reason),
    ]


def of_states(seen: Overview) -> Text:
    """Counts, ages, pause and room."""
    text = Text()
    for name, style in STYLES.items():
        count = seen.counts[name]
        text.append(f"{name:<8} {count:>9}", style if count else "dim")
        text.append(f"  {_age(name, seen)}\n", "dim")
    if seen.paused is not None:
        why = f": {output.printable(seen.paused.reason)}" if seen.paused.reason else ""
        text.append(f"PAUSED{why}\n", "bold yellow")
    if seen.room is not None:
        text.append(f"room     {output.size(seen.room.free_bytes)} free", "dim")
    return text


def _age(name: str, seen: Overview) -> str:
    if name == "ready" and seen.oldest_ready_seconds is not None:
        return f"oldest {output.span(seen.oldest_ready_seconds)}"
    if name == "leased" and seen.leases.oldest_seconds is not None:
        return f"oldest {output.span(seen.leases.oldest_seconds)}"
    if name == "delayed" and seen.next_due_at is not None:
        return f"next in {output.span(max(0.0, seen.next_due_at - seen.at))}"
    if name == "failed" and seen.recent.failed:
        return f"{seen.recent.failed} in 5m"
    return ""


def of_findings(findings: list[Finding]) -> Text:
    """What needs a look; a quiet word when nothing does."""
    if not findings:
        return Text("nothing needs a look", style="dim")
    return Text("\n").join(
        cell(f"{one.what}; {one.advice}", "bold red" if one.level == "critical" else "yellow")
        for one in findings
    )
