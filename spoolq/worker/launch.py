"""From a job to a running command: arguments, input, environment, time limit, start."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spoolq.rules.commands import CommandTask, load_command
from spoolq.worker import payload
from spoolq.worker.care import monotonic_of
from spoolq.worker.child import Command
from spoolq.worker.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spoolq.holding.job import Job
    from spoolq.verbs.context import OpenSpool
    from spoolq.worker.child import Commands
    from spoolq.worker.options import WorkOptions
    from spoolq.worker.outputs import Outputs, Streams

COPY, ID = "{}", "{id}"
_CARE_SECONDS = 1.0


@dataclass(slots=True)
class Running:
    """A job and the command that runs for it.

    Attributes:
        number: what `Commands.start` returned.
        argv: the command, for people.
        lease: the name of the lease that it began under.
        started: server time in seconds.
        time_limit: seconds, None for none.
        care_at: when to begin to renew the lease (monotonic seconds); None: begun.
        is_lost: the lease is lost, and the command was stopped for that.
    """

    job: Job
    number: int
    argv: Sequence[str]
    lease: str
    started: float
    time_limit: float | None
    streams: Streams
    copy: str | None
    care_at: float | None
    is_lost: bool = False

    def drop_copy(self) -> None:
        """The command has ended: nobody needs its copy of the payload."""
        if self.copy is not None:
            with suppress(OSError):
                os.unlink(self.copy)


class Launcher:
    """Starts the commands of one worker. Close it to remove what it made in TMPDIR."""

    def __init__(
        self, spool: OpenSpool, commands: Commands, outputs: Outputs, options: WorkOptions
    ) -> None:
        self._spool, self._commands = spool, commands
        self._outputs, self._options = outputs, options
        self._wants_copy = any(COPY in argument for argument in options.argv)
        self._scratch = Scratch()

    def start(self, job: Job) -> Running:
        """Start the command for a job.

        Raises:
            InvalidTask: the job asks for a command and is none.
            LeaseLost: the task is not ours any more.
            OSError: no descriptors, no room for its input, or the file system refused.
        """
        task = self._task(job)
        copy = self._copy(job) if self._wants_copy else None
        try:
            return self._start(job, task, copy)
        except BaseException:
            if copy is not None:
                os.unlink(copy)
            raise

    def _task(self, job: Job) -> CommandTask:
        if not self._options.argv:
            return load_command(job.task)
        return CommandTask(self._options.argv)

    def _start(self, job: Job, task: CommandTask, copy: str | None) -> Running:
        given = [argument.replace(COPY, copy) for argument in task.argv] if copy else task.argv
        if self._options.argv:
            given = [argument.replace(ID, job.id) for argument in given]
        limit = task.timeout_seconds or self._options.time_limit
        lease, trusted, lead = job.lease, self._trusted_until(job), self._lead_seconds(job)
        stdin = self._stdin(job, copy)
        try:
            streams = self._outputs.open(job)
            try:
                command = Command(given, stdin, streams.out, streams.err)
                number = self._commands.start(
                    self._dressed(command, job, task),
                    time_limit=limit,
                    trusted_until=trusted,
                    lead_seconds=lead,
                )
                streams.started()
            except BaseException:
                streams.finish()
                raise
        finally:
            if stdin != self._outputs.null:
                os.close(stdin)
        care_at = time.monotonic() + min(_CARE_SECONDS, job.lease_seconds / 10)
        started = self._spool.clock.now()
        return Running(job, number, given, lease, started, limit, streams, copy, care_at)

    def _dressed(self, command: Command, job: Job, task: CommandTask) -> Command:
        environment = {**task.env, **_variables(self._spool.fs.root, job)}
        return replace(command, environment=environment, cwd=task.cwd, nice=self._options.nice)

    # --- input

    def _stdin(self, job: Job, copy: str | None) -> int:
        if not self._options.argv:
            return self._outputs.null
        if copy is not None:
            return payload.open_path(copy)
        return self._payload(job)

    def _payload(self, job: Job) -> int:
        task = job.task_in_memory
        if task is not None and len(task) <= payload.AT_ONCE_BYTES:
            return payload.open_bytes(task)
        return payload.open_path(job.path)

    def _copy(self, job: Job) -> str:
        path = self._scratch.path(job.id)
        source = self._payload(job)
        try:
            payload.private_copy(source, path)
        finally:
            os.close(source)
        return path

    # --- the lease

    def _lead_seconds(self, job: Job) -> float:
        """KILL comes when the lease ends, TERM so long before: no overlap with a twin elsewhere."""
        return min(self._options.grace_seconds, job.lease_seconds / 4)

    def _trusted_until(self, job: Job) -> float | None:
        return monotonic_of(job.trusted_until, self._spool)

    def close(self) -> None:
        """Remove the directory of private copies."""
        self._scratch.close()


def _variables(root: str, job: Job) -> dict[str, str]:
    variables = {
        "SPOOLQ_DIR": root,
        "SPOOLQ_ID": job.id,
        "SPOOLQ_ATTEMPT": str(job.attempt),
        "SPOOLQ_RESCHEDULES": str(job.reschedules),
        "SPOOLQ_LEASE": job.lease,
        "SPOOLQ_PRIORITY": str(job.priority),
    }
    for name, value in job.headers.items():
        variables[f"SPOOLQ_HEADER_{header_variable(name)}"] = value.replace("\0", "")
    return variables


def header_variable(name: str) -> str:
    """A header's name as part of a variable's: upper case, `_` for all but letters and digits."""
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name).upper()
