"""Where a command's stdout and stderr go: into logs of the spool, to the worker's own, nowhere."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from spoolq.rules import layout
from spoolq.rules.names import LogName
from spoolq.worker.capture import Captures
from spoolq.worker.options import CAPTURE, INHERIT

if TYPE_CHECKING:
    from spoolq.holding.job import Job
    from spoolq.verbs.context import OpenSpool
    from spoolq.worker.capture import Capture
    from spoolq.worker.logfile import Logged

_FLUSH_SECONDS = 1.0


class Streams:
    """The two streams of one command: `out` and `err` are the descriptors to start it with."""

    def __init__(self, out: int, err: int, captures: tuple[Capture, ...] = ()) -> None:
        self.out, self.err = out, err
        self._captures = captures

    def started(self) -> None:
        """The command has them."""
        for capture in self._captures:
            capture.started()

    def finish(self) -> list[Logged]:
        """The command has ended: what was logged, of each captured stream."""
        return [capture.finish() for capture in self._captures]


class Outputs:
    """Opens the streams of a worker's commands. Close it when they have all been finished."""

    def __init__(self, spool: OpenSpool, mode: str, limit: int) -> None:
        self._fs, self._limit = spool.fs, limit
        self._plain: tuple[int, int] | None = None
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._captures: Captures | None = None
        if mode == CAPTURE:
            # NFS: other hosts see what was synced.
            seconds = _FLUSH_SECONDS if spool.fs.is_network else None
            self._captures = Captures(flush_seconds=seconds)
        elif mode == INHERIT:
            self._plain = (self._or_null(1), self._or_null(2))

    def _or_null(self, descriptor: int) -> int:
        """The worker's own stream, unless it was started without."""
        try:
            os.fstat(descriptor)
        except OSError:
            return self._null
        return descriptor

    @property
    def null(self) -> int:
        """A descriptor of /dev/null."""
        return self._null

    def open(self, job: Job) -> Streams:
        """The streams of a command for this job, logged under the lease that it begins with.

        Raises:
            OSError: no descriptors to be had.
        """
        if self._captures is None:
            return Streams(*(self._plain or (self._null, self._null)))
        out = self._open(self._captures, job, "out")
        try:
            err = self._open(self._captures, job, "err")
        except BaseException:
            out.finish()
            raise
        return Streams(out.write_end, err.write_end, (out, err))

    def _open(self, captures: Captures, job: Job, stream: str) -> Capture:
        name = f"{layout.LOGS}/{LogName(job.id, job.attempt, job.lease, stream)}"
        return captures.open(partial(self._fs.append, name), limit=self._limit)

    def close(self) -> None:
        """End the thread that reads the streams."""
        if self._captures is not None:
            self._captures.close()
        os.close(self._null)
