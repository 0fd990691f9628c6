"""The contract in three protocols; `Spool` satisfies all of them. No I/O, no implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from spoolq.jobs import JobInfo


@runtime_checkable
class LeasedJob(Protocol):
    """A task taken on a lease. If not done when the lease ends, it is given out again."""

    @property
    def id(self) -> str:
        """The id that publish returned."""

    @property
    def task(self) -> bytes:
        """The payload, byte for byte as published."""

    def done(self) -> None:
        """Finish the job for good: done before the lease ends means never executed again.

        Raises LeaseLost when another holder has the job; on any error the lease stays in charge.
        """


@runtime_checkable
class TaskPublisher(Protocol):
    """Puts tasks in. Separate, for not all publishers consume."""

    def publish(self, task: bytes) -> str:
        """Store the task and return its job id; once returned, the job is never lost."""


@runtime_checkable
class Queue(Protocol):
    """Gives tasks out, at least once each."""

    def get_job(self, timeout: float | None = None) -> LeasedJob:
        """Block until a task is found (None: for ever) or the wait is over (raises Empty)."""


@runtime_checkable
class JobController(Protocol):
    """Looks at jobs and stops them from outside."""

    def get(self, job_id: str) -> JobInfo:
        """Tell where the job is, without touching it; an unknown id is status UNKNOWN."""

    def cancel(self, job_id: str) -> JobInfo:
        """See that no further run comes: a waiting job never runs, a running one is its last run."""
