"""The other process of support.processes.Actor: JSON calls in, JSON answers out, one a line.

Not a test. `python -m support.actor SPOOL`; every answer is ["ok", value] or [error class, text].
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from spoolq import Spool


class Calls:
    """The verbs a test may ask for; jobs are remembered by id."""

    def __init__(self, path: str) -> None:
        self.spool = Spool(path)
        self.jobs: dict[str, Any] = {}

    def hello(self) -> dict[str, Any]:
        """Say who and when we think it is."""
        return {"pid": os.getpid(), "time": time.time()}

    def publish(self, text: str, **options: Any) -> str:
        """Publish a task."""
        return self.spool.publish(text.encode(), **options)

    def publish_bytes(self, size: int, **options: Any) -> str:
        """Publish `size` zero bytes."""
        return self.spool.publish(bytes(size), **options)

    def get_job(self, timeout: float | None) -> dict[str, Any]:
        """Take a job, and remember it."""
        job = self.spool.get_job(timeout)
        back, back_wall = time.monotonic(), time.time()
        self.jobs[job.id] = job
        return {
            "id": job.id,
            "task": job.task.decode("latin-1"),
            "attempt": job.attempt,
            "lease": job.lease,
            "deadline": job.deadline.timestamp(),
            "monotonic": back,
            "wall": back_wall,
        }

    def done(self, job_id: str, result: str | None = None) -> None:
        """End a remembered job well."""
        self.jobs[job_id].done(None if result is None else result.encode())

    def fail(self, job_id: str, reason: str = "asked to") -> None:
        """Fail a remembered job."""
        self.jobs[job_id].fail(reason)

    def extend(self, job_id: str, seconds: float | None = None) -> None:
        """Renew a remembered job."""
        self.jobs[job_id].extend(seconds)

    def release(self, job_id: str) -> None:
        """Give a remembered job back."""
        self.jobs[job_id].release()

    def lost(self, job_id: str) -> bool:
        """Whether a remembered job's lease is known to be lost."""
        return bool(self.jobs[job_id].lost)

    def get(self, job_id: str) -> dict[str, Any]:
        """Look at a job."""
        info = self.spool.get(job_id)
        due = info.next_execution_at
        return {
            "status": info.status.name,
            "reschedules": info.reschedules,
            "next": due and due.timestamp(),
        }

    def cancel(self, job_id: str) -> str:
        """Cancel a job."""
        return self.spool.cancel(job_id).status.name

    def reap(self) -> dict[str, int]:
        """Take back what has expired."""
        report = self.spool.reap()
        return {
            "returned": report.returned,
            "promoted": report.promoted,
            "failed": report.failed,
            "swept": report.swept,
        }


def answer(calls: Calls, line: str) -> list[Any]:
    """Carry out one call."""
    verb, arguments = json.loads(line)
    try:
        return ["ok", getattr(calls, verb)(**arguments)]
    except (Exception, KeyboardInterrupt) as error:
        return [type(error).__name__, str(error)]


def main() -> None:
    """Serve calls until standard input ends."""
    calls = Calls(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(answer(calls, line)), flush=True)


if __name__ == "__main__":
    main()
