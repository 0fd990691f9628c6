"""What a report tells of: attempts that ended, and what waits and runs now.

Most of it is in the journal. What ended without a line there (by the command line's `done`, or
while the journal was off) is found in done/ and failed/, as far as a bounded number of looks goes.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spoolq.rules import layout, names, records
from spoolq.verbs import ends, journal, pause, terms
from spoolq.verbs.locate import job_of, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.verbs.context import OpenSpool

MOST_ATTEMPTS = 1_000_000
MOST_LOOKS = 5000
"""So many ended jobs that the journal does not tell of are looked at, one by one."""
_FINAL = ("done", "gave_up", "cancelled")


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt that ended. Times in server seconds; `taken_at` is None where nothing tells it."""

    outcome: str
    id: str
    attempt: int
    taken_at: float | None
    ended_at: float
    owner: str
    reason: str | None


@dataclass(slots=True)
class Story:
    """Everything that the page is made of.

    `waiting` has, for each job that waits, since when; `running`, for each that is held, its
    owner and since when its present lease runs. `untold` counts ended jobs nothing is known of.
    """

    path: str
    now: float
    since: float
    rows: list[Row] = field(default_factory=list)
    waiting: list[tuple[str, float]] = field(default_factory=list)
    running: list[tuple[str, str, float]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    paused: str | None = None
    looks: int = 0
    untold: int = 0
    is_cut: bool = False


def gather(spool: OpenSpool, since: float) -> Story:
    """Read the spool, disturbing nobody; attempts that ended at `since` (server seconds) or later."""
    story = Story(spool.fs.root, spool.clock.estimate(), since)
    story.paused = pause.reason(spool)
    ended: set[str] = set()
    for told in journal.read(spool, since):
        if len(story.rows) >= MOST_ATTEMPTS:
            story.is_cut = True
            break
        story.rows.append(
            Row(
                told.outcome,
                told.id,
                told.attempt,
                told.taken_at,
                told.ended_at,
                told.owner,
                told.reason,
            )
        )
        if told.outcome in _FINAL:
            ended.add(told.id)
    for state in layout.STATES:
        _see_state(spool, story, state, ended)
    return story


def _see_state(spool: OpenSpool, story: Story, state: str, ended: set[str]) -> None:
    story.counts[state] = 0
    expired = {(row.id, row.attempt) for row in story.rows if row.outcome == "expired"}
    leases: dict[str, tuple[str, float]] = {}
    for name in spool.fs.iterate(state):
        job_id = job_of(state, name)
        if job_id is None:
            continue
        story.counts[state] += 1
        if state in {layout.DONE, layout.FAILED}:
            if job_id not in ended:
                _see_ended(spool, story, state, name, expired)
        elif state == layout.LEASED:
            owner, since = _lease(spool, story.now, name, leases)
            story.running.append((job_id, owner, since))
        else:
            story.waiting.append((job_id, names.published_at(job_id) or story.now))


def _lease(
    spool: OpenSpool, now: float, name: str, leases: dict[str, tuple[str, float]]
) -> tuple[str, float]:
    """The owner of a leased task, and since when; many tasks may be under one lease."""
    held = names.parse_leased(name)
    lease = held.lease if held else name
    if lease not in leases:
        record = terms.read_lease(spool, lease, now) if len(leases) < MOST_LOOKS else None
        leases[lease] = (record.owner, record.granted_at) if record else (lease, now)
    return leases[lease]


def _see_ended(
    spool: OpenSpool, story: Story, state: str, name: str, expired: set[tuple[str, int]]
) -> None:
    """An ended job that the journal does not tell of, or only that its last lease expired."""
    if story.looks >= MOST_LOOKS:
        story.untold += 1
        return
    story.looks += 1
    place, job_id = place_of(state, name), name.partition(".")[0]
    entry = spool.fs.lstat(f"{state}/{name}")
    if place is None or entry is None or entry.changed_at < story.since:
        return
    outcome = {"failed": "gave_up"}.get(ends.outcome_of(place), ends.outcome_of(place))
    data = spool.read_record(f"{state}/{job_id}.end")
    told = (records.load(data) if data is not None else None) or {}
    row = _row_of_end(outcome, job_id, entry.changed_at, told)
    if (row.id, row.attempt) not in expired:
        story.rows.append(row)


def _row_of_end(outcome: str, job_id: str, changed_at: float, told: dict[str, Any]) -> Row:
    run = told.get("run")
    began = run.get("started_at") if isinstance(run, dict) else None
    attempt, reason = told.get("attempt"), told.get("reason")
    return Row(
        outcome,
        job_id,
        attempt if type(attempt) is int and attempt > 0 else 1,
        records.from_iso(began) or records.from_iso(told.get("granted_at")),
        records.from_iso(told.get("ended_at")) or changed_at,
        told["owner"] if isinstance(told.get("owner"), str) else "unknown",
        reason if isinstance(reason, str) else None,
    )


def waits(story: Story) -> Iterator[tuple[float, float, Row | None]]:
    """(since, until, the attempt it ended with or None for now) of each time a job waited.

    A job waits from its publishing, or from the end of its last attempt, until it is taken;
    delays and back-offs are part of it.
    """
    came_back: dict[str, list[float]] = {}
    for row in story.rows:
        if row.outcome not in _FINAL:
            came_back.setdefault(row.id, []).append(row.ended_at)
    for times in came_back.values():
        times.sort()
    for row in story.rows:
        if row.taken_at is not None:
            yield _since(row.id, row.taken_at, came_back), row.taken_at, row
    for job_id, published in story.waiting:
        yield came_back.get(job_id, [published])[-1], story.now, None


def _since(job_id: str, taken_at: float, came_back: dict[str, list[float]]) -> float:
    times = came_back.get(job_id, ())
    earlier = bisect.bisect_right(times, taken_at + 0.001)
    if earlier:
        return min(taken_at, times[earlier - 1])
    published = names.published_at(job_id)
    return taken_at if published is None else min(taken_at, published)
