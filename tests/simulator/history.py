"""The judge: sees every rename at the instant it takes effect, and every answer a process was given.

Written from docs/protocol.md, knowing what no process knows: the true time and the whole disk.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.faults import NETWORK
from spoolq.rules import names
from spoolq.rules.records import from_iso

if TYPE_CHECKING:
    from simulator.world import World

DRIFT_SECONDS = 0.014
"""How far ahead a drifting clock may come before a stamp contradicts it; less than trust's margin."""


class Broken(AssertionError):
    """A guarantee does not hold."""


@dataclass
class Story:
    """What is known of one job."""

    id: str
    payload: bytes | None = None
    acknowledged: bool = False
    retried: int = 0
    retry_told: bool = False
    end_acknowledged: str = ""
    end_told_at: float = 0.0
    may_fail: bool = False
    pruned_at: float = math.inf
    winner: str | None = None
    attempt: int = 0
    released: bool = True
    results: dict[str, bytes | None] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    @property
    def is_pruned(self) -> bool:
        """Whether its task was removed, its retention over."""
        return self.pruned_at < math.inf


class History:
    """Everything that happened in one world, judged as it happens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.stories: dict[str, Story] = {}
        self._by_payload: dict[bytes, str] = {}
        self._keys: dict[str, str] = {}
        self._events = self.digest = 0
        self._deadlines: dict[str, float] = {}

    def story(self, job_id: str) -> Story:
        """A job's story, begun when it is first heard of."""
        found = self.stories.get(job_id)
        if found is None:
            found = self.stories[job_id] = Story(job_id)
        return found

    def _must(self, holds: object, rule: str, story: Story | None = None) -> None:
        if not holds:
            raise Broken(f"{rule}: {story}")

    # ----- what takes effect on the disk

    def renamed(self, process: Any, source: str, target: str) -> None:
        """A rename has taken effect."""
        self._events += 1
        self.digest = zlib.crc32(
            f"{self._world.scheduler.now} {source} {target}".encode(), self.digest
        )
        state, _, old = source.rpartition("/")
        target_state, _, new = target.rpartition("/")
        if state == "leased":
            self._left(process, old, target_state, new)
        elif state in {"ready", "delayed"}:
            self._moved(old, state, target_state, new)
        elif state == "failed" and names.is_job_id(old):
            story = self.story(old)
            self._must(target_state == "ready", "a failed job went elsewhere", story)
            story.retried += 1
            story.winner, story.attempt, story.released = None, 0, True
            process.moved.add(old)
        elif state == "done" and names.parse_ended(old) and "." not in old:
            self._must(False, "I4: a done job was moved", self.story(old))

    def _moved(self, old: str, state: str, target_state: str, new: str) -> None:
        job_id, counted = _waiting(state, old)
        story = self.story(job_id)
        if target_state == "leased":
            taken = names.parse_leased(new)
            self._must(taken and taken.id == job_id, "I1: a job changed its name", story)
            assert taken is not None
            self._must(taken.attempt == counted + 1, "attempts grow by one", story)
            self._must(new not in story.taken, "I5: one name in leased/ for two takings", story)
            story.taken[new] = self._events
            deadline = self._deadline(taken.lease)
            is_over = deadline is None or deadline <= self._world.server_time()
            stands = self._world.disk.find(f"leased/{taken.lease}.lease") is not None
            self._must(stands or is_over or self._is_batch(taken.lease), "taken bare", story)
            self._must(not story.end_acknowledged, "I4: taken after its end was told", story)
        elif target_state == "ready":
            self._must(state == "delayed", "ready/ to ready/", story)
            due = names.parse_delayed(old)
            early = due is not None and due.due - self._world.server_time()
            self._must(early <= DRIFT_SECONDS, f"came {early} s too early", story)
            self._must(_waiting("ready", new) == (job_id, counted), "the count changed", story)
        else:
            self._must(new == f"{job_id}.cancelled", "ended without being taken", story)

    def _left(self, process: Any, old: str, target_state: str, new: str) -> None:
        held = names.parse_leased(old)
        if held is None:
            return
        story = self.story(held.id)
        is_holder = held.lease in process.leases
        if target_state == "leased":
            renewed = names.parse_leased(new)
            self._must(is_holder, "I5: renewed by somebody else", story)
            self._must(renewed and renewed.attempt == held.attempt, "a renewal counts not", story)
            story.taken[new] = story.taken.get(old, self._events)
            self._deadline(new.rpartition(".")[2])
        elif target_state in {"ready", "delayed"}:
            self._gave_back(process, story, held, is_holder, _waiting(target_state, new))
        elif target_state == "failed":
            self._must(story.may_fail or self._world.plan.max_attempts, "failed unasked", story)
            if not is_holder:
                self._must_be_over(held, story)
            story.winner, story.retry_told = held.lease, False
        else:
            story.winner = held.lease
            self._must(target_state == "done", "left leased/ for elsewhere", story)
        process.moved.add(old)

    def _gave_back(
        self, process: Any, story: Story, held: Any, is_holder: bool, now: tuple[str, int]
    ) -> None:
        self._must(now[0] == held.id, "I1: a job changed its name", story)
        if not is_holder:
            self._must_be_over(held, story)
        counts = {"fail": {held.attempt}, "release": {held.attempt - 1}, "get": {held.attempt - 1}}
        expected = counts.get(process.doing, set()) if is_holder else {held.attempt}
        if is_holder and process.doing in {"get", "reap"}:
            expected = {held.attempt, held.attempt - 1}
        self._must(now[1] in expected, f"counted {now[1]} in {process.doing}", story)

    def _must_be_over(self, held: Any, story: Story) -> None:
        deadline = self._deadline(held.lease)
        if deadline is None and self._world.disk.find(f"leased/{held.lease}.grace"):
            return  # torn by a power loss: each process counts from when it saw that
        left = None if deadline is None else deadline - self._world.server_time()
        self._must(left is not None, f"I5: taken back without any term: {held}", story)
        self._must(
            left is not None and left <= DRIFT_SECONDS,
            f"I5: taken back {left} s early: {held}",
            story,
        )

    def _deadline(self, lease: str) -> float | None:
        known = self._deadlines.get(lease)
        if known is not None:
            return known
        for kind in ("lease", "grace"):
            found = _deadline_in(self._world.disk.find(f"leased/{lease}.{kind}"))
            if found is not None:
                if kind == "lease":
                    self._deadlines[lease] = found
                return found
        return None

    def _is_batch(self, lease: str) -> bool:
        """Whether other tasks came under a lease, so that the end of one may drop its sidecar."""
        return (
            sum(name.endswith(f".{lease}") for s in self.stories.values() for name in s.taken) > 1
        )

    def _remember(self, lease: str, node: Any) -> None:
        """What a sidecar says that goes now: others have read it, and go by it still."""
        found = _deadline_in(node)
        if found is not None:
            self._deadlines.setdefault(lease, found)

    def unlinked(self, process: Any, name: str, node: Any) -> None:
        """A name is gone."""
        state, _, base = name.rpartition("/")
        if state == "leased" and base.endswith((".lease", ".grace")):
            self._remember(base.partition(".")[0], node)
        if state in {"ready", "delayed", "leased"}:
            held = names.parse_leased(base) if state == "leased" else None
            job_id = held.id if held else _waiting(state, base)[0]
            if job_id and state != "leased":
                self._must(not self.story(job_id).acknowledged, "I3: removed", self.story(job_id))
                self._must(process.doing == "publish", "I8: removed", self.story(job_id))
            self._must(held is None, "I3: a held task was removed", None)
        elif state in {"done", "failed"} and (names.parse_ended(base) or ("", "end"))[1] in _ENDS:
            story = self.story(base.partition(".")[0])
            self._must(process.doing == "prune", f"removed in {process.doing}", story)
            age = self._world.server_time() - node.changed_at
            self._must(age >= process.prune_age - DRIFT_SECONDS, "pruned too young", story)
            story.pruned_at = self._world.scheduler.now

    # ----- what processes were told

    def published(self, job_id: str, payload: bytes, key: str | None, began: float) -> None:
        """publish returned an id."""
        story = self.story(job_id)
        # It tells of one instant, and may be slow to return: what it led to may be gone by then.
        told_of_before = began < story.pruned_at < math.inf
        if key is None:
            self._must(story.payload in {None, payload}, "an id was given twice", story)
            story.payload = payload
        elif not told_of_before:
            known = self._keys.get(key)
            self._must(
                known in {None, job_id} or self.story(str(known)).is_pruned,
                f"key {key} leads to two jobs, {known} too",
                story,
            )
            self._keys[key] = job_id
        story.acknowledged = True
        where = self._world.where(job_id)
        self._must(where or told_of_before, "I3: published, and nowhere", story)

    def delivered(self, process: Any, job: Any) -> None:
        """get_job returned a job."""
        story = self.story(job.id)
        payload = job.task
        self._must(story.payload in {None, payload}, f"I6: not what was published: {payload!r}")
        story.payload = payload
        other = self._by_payload.setdefault(payload, job.id)
        self._must(other == job.id, f"I1: one task under two ids, {other} too", story)
        self._must(job.name in story.taken, f"given out and never taken: {job.name}", story)
        allowed = job.attempt > story.attempt or (story.released and job.attempt == story.attempt)
        self._must(allowed, f"attempt {job.attempt} again", story)
        story.attempt, story.released = job.attempt, False
        self.trusted(process, job)

    def trusted(self, process: Any, job: Any) -> None:
        """A holder may count on its lease, and nobody may take it back meanwhile."""
        deadline = self._deadline(job.lease)
        here = self._world.disk.find(f"leased/{job.name}") is not None
        if deadline is None or not here:
            return
        trusted = process.host.to_server(job.trusted_until)
        story = self.story(job.id)
        self._must(trusted <= deadline, f"I5: trusted for {trusted - deadline} s too long", story)
        if process.doing == "get":
            self._must(self._world.server_time() < deadline, "given out when it was over", story)

    def ended(self, process: Any, job: Any, verb: str) -> None:
        """done, fail, release or extend returned."""
        story = self.story(job.id)
        if verb == "done":
            where = self._world.where(job.id)
            is_done = bool(where) and where[0].startswith("done/")
            self._must(is_done or story.is_pruned, f"I4: done was told, but {where}", story)
            self._end_is_told(story, "done")
            return
        # NFS: a reaper's ready/<id>.<n> cannot be told from one's own whose reply was lost.
        same = (verb == "fail" or story.retried) and self._world.plan.kind == NETWORK
        self._must(same or process.held_name in process.moved, f"I5: {verb} moved nothing", story)

    def _end_is_told(self, story: Story, outcome: str) -> None:
        if not story.end_acknowledged:
            story.end_acknowledged, story.end_told_at = outcome, self._world.scheduler.now

    def cancelled(self, info: Any) -> None:
        """cancel returned."""
        story = self.story(info.id)
        if info.status.name == "UNKNOWN":
            self._must(not story.acknowledged or story.is_pruned, "a known job is unknown", story)
            return
        ended = info.status.name in {"DONE", "FAILED"} or story.retried
        self._must(ended, f"cancelled, and {info.status.name}", story)
        if info.status.name == "DONE":
            self._end_is_told(story, "cancelled")

    def looked(self, info: Any, began: float) -> None:
        """get returned."""
        story = self.story(info.id)
        known = info.status.name != "UNKNOWN"
        self._must(known or story.is_pruned, "a known job is unknown", story)
        if story.end_acknowledged and story.end_told_at < began:  # a look tells of one instant
            fine = info.status.name == "DONE" or story.is_pruned
            self._must(fine, f"I4: its end was told, now {info.status.name}", story)

    def power_lost(self) -> None:
        """All processes are dead; leases and attempts may be older than they were."""
        endings_survive = self._world.plan.durability == "full"
        self._deadlines.clear()
        published_survive = self._world.plan.durability != "off"
        for story in self.stories.values():
            where = self._world.where(story.id)
            state = where[0].partition("/")[0] if where else "pruned" if story.is_pruned else ""
            if endings_survive:
                ended = not story.end_acknowledged or state in {"done", "pruned"}
                self._must(ended, f"I4: power lost, and its end with it: {where}", story)
                self._must(not story.retry_told or state != "failed", "retry was lost", story)
            else:
                story.end_acknowledged, story.retry_told = "", False
            if not (endings_survive and story.end_acknowledged):
                story.winner = None
            known = state or not published_survive or not story.acknowledged
            self._must(known, "I3: power lost, and the job with it", story)
            story.attempt, story.released = 0, True
            story.acknowledged = story.acknowledged and published_survive
            if not story.acknowledged:
                self._keys = {key: job for key, job in self._keys.items() if job != story.id}
        self._by_payload = {
            payload: job_id
            for payload, job_id in self._by_payload.items()
            if self.stories[job_id].acknowledged
        }


_ENDS = ("", "cancelled")


def _deadline_in(node: Any) -> float | None:
    try:
        return from_iso(json.loads(node.data)["deadline"])
    except (AttributeError, ValueError, KeyError, TypeError):
        return None


def _waiting(state: str, name: str) -> tuple[str, int]:
    if state == "delayed":
        delayed = names.parse_delayed(name)
        return (delayed.id, delayed.attempts) if delayed else ("", 0)
    ready = names.parse_ready(name)
    return (ready.id, ready.attempts) if ready else ("", 0)
