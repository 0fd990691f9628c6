"""What a worker is asked to do. No decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spoolq.worker.exits import Policy
from spoolq.worker.logfile import DEFAULT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPTURE, INHERIT, DISCARD = "capture", "inherit", "discard"


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """How to run commands.

    Attributes:
        argv: the command for every task; empty when each task is a command of its own.
        slots: at most so many commands at once.
        policy: which failing commands are tried again.
        time_limit: seconds after which a command is stopped, unless its task has a limit.
        grace_seconds: from TERM to KILL.
        nice: added to the worker's niceness.
        output: what becomes of stdout and stderr: "capture", "inherit" or "discard".
        max_output: the most bytes kept of each captured stream.
        idle_seconds: end after so long without work; None: wait for ever.
        max_jobs: end after having started so many; None: no limit.
        until_empty: end when no job is ready, delayed or leased, on any host.
        max_rss: begin anew once the worker's own memory exceeds so many bytes.
        stop_by: all has to be over by then (monotonic seconds); None: no end.
        min_seconds: what a task may need: none is started with less time left before `stop_by`.
        drain_seconds: how long commands go on after the first polite signal; None: to their ends.
    """

    argv: Sequence[str] = ()
    slots: int = 1
    policy: Policy = field(default_factory=Policy)
    time_limit: float | None = None
    grace_seconds: float = 10.0
    nice: int = 0
    output: str = CAPTURE
    max_output: int = DEFAULT_LIMIT
    idle_seconds: float | None = None
    max_jobs: int | None = None
    until_empty: bool = False
    max_rss: int | None = None
    stop_by: float | None = None
    min_seconds: float = 0.0
    drain_seconds: float | None = None
