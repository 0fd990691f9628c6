"""What is odd about leases: sidecars that cannot be read, deadlines long past, sidecars alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.rules import layout, names
from spoolq.verbs import terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.verbs.context import OpenSpool


def lease_findings(spool: OpenSpool) -> Iterator[tuple[str, ...]]:
    """(path, what, advice, remedy) for each lease that is not as it should be."""
    tasks: dict[str, list[str]] = {}
    sidecars: list[tuple[str, str]] = []
    for name in spool.fs.iterate(layout.LEASED):
        task, sidecar = names.parse_leased(name), names.parse_sidecar(name)
        if task is not None:
            tasks.setdefault(task.lease, []).append(name)
        elif sidecar is not None:
            sidecars.append(sidecar)
    now = spool.clock.estimate()
    for lease, held in tasks.items():
        yield from _of_lease(spool, lease, held, now)
    for lease, kind in sidecars:
        if lease not in tasks:
            yield from _alone(spool, f"{layout.LEASED}/{lease}.{kind}", lease, now)


def _of_lease(
    spool: OpenSpool, lease: str, held: list[str], now: float
) -> Iterator[tuple[str, ...]]:
    record = terms.read_lease(spool, lease, now)
    deadline = record.deadline if record else terms.read_grace(spool, lease, now)
    if record is None and any(spool.fs.lstat(f"{layout.LEASED}/{name}") for name in held):
        advice = "its tasks are given out again a full term after a consumer noticed"
        yield layout.sidecar(lease), "a sidecar that is missing or cannot be read", advice
    if deadline is not None and now - deadline > _long(spool):
        for name in held:
            what = f"its lease ended {now - deadline:.0f} s ago"
            yield (
                f"{layout.LEASED}/{name}",
                what,
                "nobody reaps: run a consumer or 'spoolq reap'",
                "reap",
            )


def _long(spool: OpenSpool) -> float:
    return max(30.0, spool.settings.lease_seconds)


def _alone(spool: OpenSpool, path: str, lease: str, now: float) -> Iterator[tuple[str, ...]]:
    entry = spool.fs.lstat(path)
    if entry is None or entry.kind != "file":
        return
    record = terms.read_lease(spool, lease, now)
    if record is None and path.endswith(".lease"):
        if now - entry.modified_at > _long(spool):
            yield path, "a sidecar that cannot be read, and covers no task", "remove it", "reap"
    elif record is not None and now - record.deadline > _long(spool):
        yield path, "a sidecar whose tasks are gone", "'spoolq reap' sweeps it", "reap"
