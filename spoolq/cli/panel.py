"""An overview on one screen for people, and as the JSON object of `spoolq status`."""

from __future__ import annotations

from spoolq.cli import output
from spoolq.rules import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from spoolq.rules.crew import Worker
    from spoolq.rules.health import Finding
    from spoolq.rules.overview import Overview, Paused

NAMES = ("ready", "leased", "delayed", "done", "failed")
MOST_WORKERS = 12


def lines(seen: Overview, findings: list[Finding]) -> Iterator[str]:
    """The lines of the screen, in colours where they are wanted."""
    yield output.paint(output.printable(seen.path), "bold")
    columns = max(len(str(seen.counts[name])) for name in NAMES)
    for name in NAMES:
        count = seen.counts[name]
        text = f"  {name:<8} {count:>{columns}}"
        remark = _remark(name, seen)
        shown = output.paint(text, name) if count else text
        yield shown + (f"   {remark}" if remark else "")
    if seen.paused is not None:
        yield output.paint(_paused(seen.paused, seen.at), "delayed")
    yield from _crew(seen)
    yield from _surroundings(seen)
    for finding in findings:
        colour = "failed" if finding.level == "critical" else "delayed"
        yield output.paint(f"  {finding.level}: {output.printable(finding.what)}", colour)
        yield output.paint(f"    {output.printable(finding.advice)}", "dim")


def _remark(name: str, seen: Overview) -> str:
    recent = seen.recent
    about = "" if recent.is_exact else "about "
    window = f"in the last {recent.seconds / 60:g} minutes"
    if name == "ready" and seen.oldest_ready_seconds is not None:
        return f"oldest waiting for {output.span(seen.oldest_ready_seconds)}"
    if name == "leased" and seen.leases.oldest_seconds is not None:
        return f"oldest lease {output.span(seen.leases.oldest_seconds)}"
    if name == "delayed" and seen.next_due_at is not None:
        return f"next due {_away(seen.next_due_at - seen.at)}"
    if name == "done" and recent.done:
        return f"{about}{rate(recent.per_minute(recent.done))} a minute {window}"
    if name == "failed" and (recent.failed or recent.troubles):
        return f"{about}{recent.failed} {window}, {recent.troubles} attempts gone wrong"
    return ""


def rate(value: float) -> str:
    """A rate in few characters: `0.2`, `7.5`, `120`, `200000`."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.2g}"


def _away(seconds: float) -> str:
    return f"in {output.span(seconds)}" if seconds > 0 else f"{output.span(-seconds)} ago"


def _paused(paused: Paused, now: float) -> str:
    told = "  paused"
    if paused.at is not None:
        told += f" {output.span(now - paused.at)} ago"
    if paused.by:
        told += f" by {output.printable(paused.by)}"
    return told + (f": {output.printable(paused.reason)}" if paused.reason else "")


def _crew(seen: Overview) -> Iterator[str]:
    if not seen.workers:
        return
    alive = seen.alive
    slots, running = sum(w.slots for w in alive), sum(w.busy for w in alive)
    yield f"  workers  {len(alive)} alive, {running} of {slots} slots busy"
    # Those that need a look must not be the ones cut off.
    shown = sorted(seen.workers, key=lambda worker: worker.is_alive(seen.at))[:MOST_WORKERS]
    width = max(len(output.printable(worker.host)) for worker in shown)
    for worker in shown:
        text = f"    {output.printable(worker.host):<{width}}  {_worker(worker, seen.at)}"
        yield text if worker.is_alive(seen.at) else output.paint(text, "failed")
    if len(seen.workers) > len(shown):
        yield f"    and {len(seen.workers) - len(shown)} more"


def _worker(worker: Worker, now: float) -> str:
    text = f"pid {worker.pid}  {worker.busy} of {worker.slots} busy"
    text += f"  done {worker.done}, failed {worker.failed}  seen {output.span(now - worker.at)} ago"
    if not worker.is_alive(now):
        return text + "  gone"
    return text + ("  draining" if worker.is_draining else "")


def _surroundings(seen: Overview) -> Iterator[str]:
    room = seen.room
    if room is not None:
        told = f"{output.size(room.free_bytes)} free ({room.free_share:.0%})"
        if room.inodes:
            told += f", {room.free_inodes} inodes free ({room.free_inode_share:.0%})"
        yield f"  room     {told}"


def values(seen: Overview, findings: list[Finding]) -> dict[str, Any]:
    """The JSON object: every key always there, None where there is nothing to tell."""
    paused, room, recent = seen.paused, seen.room, seen.recent
    return {
        "path": seen.path,
        **{name: seen.counts[name] for name in NAMES},
        "oldest_ready_seconds": seen.oldest_ready_seconds,
        "paused": paused.reason if paused else None,
        "at": records.to_iso(seen.at),
        "paused_by": paused.by if paused else None,
        "paused_at": _time(paused.at if paused else None),
        "next_due_at": _time(seen.next_due_at),
        "overdue": seen.overdue,
        "leases": seen.leases.total,
        "oldest_lease_seconds": seen.leases.oldest_seconds,
        "expired_leases": seen.leases.expired,
        "recent": {
            "seconds": recent.seconds,
            "done": recent.done,
            "failed": recent.failed,
            "troubles": recent.troubles,
            "exact": recent.is_exact,
        },
        "workers": [_worker_values(worker, seen.at) for worker in seen.workers],
        "room": None
        if room is None
        else {
            "free_bytes": room.free_bytes,
            "size_bytes": room.size_bytes,
            "free_inodes": room.free_inodes if room.inodes else None,
            "inodes": room.inodes or None,
        },
        "clock_offset_seconds": seen.clock_offset_seconds,
        "needs_a_look": [
            {"name": f.name, "level": f.level, "what": f.what, "advice": f.advice} for f in findings
        ],
    }


def _worker_values(worker: Worker, now: float) -> dict[str, Any]:
    return {
        "worker": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "slots": worker.slots,
        "alive": worker.is_alive(now),
        "draining": worker.is_draining,
        "since": _time(worker.since),
        "seen_at": _time(worker.at),
        "done": worker.done,
        "failed": worker.failed,
        "busy": worker.busy,
        "running": [
            {
                "id": job.id,
                "attempt": job.attempt,
                "lease": job.lease,
                "started_at": _time(job.started_at),
                "command": job.command,
            }
            for job in worker.running
        ],
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else records.to_iso(seconds)
