"""Runs of commands as a worker leaves them in a spool, played step by step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from spoolq.queue import internals
from spoolq.rules.names import LogName

if TYPE_CHECKING:
    from spoolq import Job, Spool


class Run:
    """Takes the next job of a spool and writes the logs of its run."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.job: Job = spool.get_job(0)
        self._lease = self.job.lease

    def name(self, stream: str = "out") -> str:
        """The log of a stream of this run."""
        return str(LogName(self.job.id, self.job.attempt, self._lease, stream))

    def write(self, data: bytes, stream: str = "out") -> Run:
        """Append to the log of a stream."""
        handle = internals(self._spool).fs.append(f"logs/{self.name(stream)}")
        os.write(handle, data)
        os.close(handle)
        return self

    def end(self, exit_code: int | None = 0, *, retry: bool = False, **more: Any) -> None:
        """The command has ended so."""
        run = {"exit_code": exit_code, "signal": None, "timed_out": False, **more}
        if exit_code == 0:
            self.job.done(run=run)
        else:
            self.job.fail(f"exit status {exit_code}", retry=retry, delay=0, run=run)
