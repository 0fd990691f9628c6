"""Printing the logs of a job, once or as they grow, whoever writes them and on whichever host.

A command's output goes to standard output and its errors to standard error, byte for byte.
"""

from __future__ import annotations

import sys

from spoolq.cli import output
from spoolq.cli.watching import Watch
from spoolq.verbs import logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool
    from spoolq.rules.names import LogName
    from spoolq.verbs.context import OpenSpool

_PART_BYTES = 1024 * 1024


def to_stdout(data: bytes) -> None:
    """Bytes to standard output, seen at once."""
    output.raw(data)
    output.stdout().buffer.flush()


def to_stderr(data: bytes) -> None:
    """Bytes to standard error; nowhere when it is closed."""
    if sys.stderr is not None:
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()


class Follower:
    """Prints what the runs of one job have written since it last looked.

    Args:
        sinks: where each stream ("out", "err") goes; one that is not named is not shown.
        attempt: only the runs of this attempt; all when None.
        last_only: begin with the last run there is; what came before it is not shown.
    """

    def __init__(
        self,
        spool: OpenSpool,
        job_id: str,
        sinks: Mapping[str, Callable[[bytes], None]],
        *,
        attempt: int | None = None,
        last_only: bool = False,
    ) -> None:
        self._spool, self._job_id, self._sinks = spool, job_id, sinks
        self._attempt = attempt
        self._run: tuple[int, str] | None = None
        self._seen: set[tuple[int, str]] = set()
        self._read: dict[LogName, int] = {}
        if last_only and (found := self._logs()):
            self._seen = {log.run for log in found} - {found[-1].run}

    @property
    def has_shown(self) -> bool:
        """Whether there was a log at all."""
        return self._run is not None

    def _logs(self) -> list[logs.Log]:
        found = logs.of_job(self._spool, self._job_id)
        return [log for log in found if self._attempt in {None, log.name.attempt}]

    def pump(self) -> bool:
        """Print what has come; whether anything had."""
        came = False
        found = self._logs()
        # The present run first, to its end: it was over before another began.
        for run in dict.fromkeys([self._run, *(log.run for log in found)]):
            if run is None or (run in self._seen and run != self._run):
                continue
            self._begin(run)
            for log in found:
                if log.run == run and log.name.stream in self._sinks:
                    came |= self._print(log.name)
        return came

    def _begin(self, run: tuple[int, str]) -> None:
        if run != self._run and self._run is not None:
            output.say(f"job {self._job_id} runs again: attempt {run[0]}")
        self._run = run
        self._seen.add(run)

    def _print(self, log: LogName) -> bool:
        begun = at = self._read.get(log, 0)
        while data := logs.read(self._spool, log, at, _PART_BYTES):
            self._sinks[log.stream](data)
            at += len(data)
            self._read[log] = at
        return at > begun


def follow(spool: Spool, job_id: str, follower: Follower, *, attempt: int | None = None) -> JobInfo:
    """Print until the job (or this attempt of it) has ended; the job as it is then."""
    from spoolq.queue import internals

    watch = Watch(None)
    while True:
        job = spool.get(job_id)
        is_over = _is_over(job, attempt)
        if is_over:
            logs.look_anew(internals(spool))
        # What was written before the job ended is read after it was seen to have ended.
        if follower.pump():
            watch.begin()
        if is_over:
            return job
        watch.pause()


def _is_over(job: JobInfo, attempt: int | None) -> bool:
    place = output.directory_of(job)
    if place in {"done", "failed", "unknown"}:
        return True
    if attempt is None:
        return False
    return job.attempt > attempt if place == "leased" else job.attempt >= attempt
