"""What came out, compared with a plain sequential computation, and whether all of it held."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spoolq import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spoolq import Spool


@dataclass
class Outcome:
    """What the tryout has seen of its tasks; `held` is what the killed worker had when it died."""

    victim: str
    paths: dict[str, bytes]
    held: list[str] = field(default_factory=list)
    done_by: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    redelivered: dict[str, str] = field(default_factory=dict)

    def done(self, job_id: str, worker: str) -> None:
        """A worker said that it has done this job."""
        self.done_by.setdefault(job_id, []).append(worker)

    def compare(self, spool: Spool, job_id: str, expected: dict[str, Any]) -> None:
        """Compare one job's result in the spool with what the sequential computation gave."""
        result = spool.result(job_id)
        if spool.get(job_id).status is not JobStatus.DONE or result is None:
            self.lost.append(job_id)
            return
        told = json.loads(result)
        if told["attempt"] > 1:
            self.redelivered[job_id] = told["worker"]
        if told["figures"] != expected:
            self._differs(job_id, told["figures"], expected)

    def _differs(self, job_id: str, got: dict[str, Any], expected: dict[str, Any]) -> None:
        # A file that somebody changed while we worked proves nothing about spoolq.
        is_changed = got.get("modified_ns") != expected.get("modified_ns")
        (self.changed if is_changed else self.wrong).append(job_id)

    @property
    def twice(self) -> list[str]:
        """Jobs that more than one holder has done."""
        return [job_id for job_id, workers in self.done_by.items() if len(workers) > 1]

    def failings(self) -> Iterable[str]:
        """Why the tryout has failed; nothing when all held."""
        if not self.held:
            yield "the killed worker held no work"
        if stuck := [job_id for job_id in self.held if job_id not in self.redelivered]:
            yield f"{len(stuck)} of the killed worker's tasks were not given out again"
        if any(self.redelivered.get(job_id) == self.victim for job_id in self.held):
            yield "the killed worker went on working"
        for what, jobs in (("lost", self.lost), ("wrong", self.wrong), ("done twice", self.twice)):
            if jobs:
                yield f"{len(jobs)} {what}: {' '.join(jobs[:3])}"
        if unsaid := self.paths.keys() - self.done_by.keys() - set(self.lost):
            yield f"{len(unsaid)} ended without a worker having done them"
