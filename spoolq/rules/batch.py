"""The Slurm job script that `spoolq slurm` prints: an array whose tasks are workers. No I/O.

Why it is as it is: `exec` makes the worker the process that Slurm signals. `B:TERM@60` has it drain
a minute before the limit, beside what the worker itself knows of its end. scancel, preemption and
requeueing send TERM to all processes of a job and KILL half a minute later (KillWait): --drain and
the worker's grace period have to fit into that.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WARNING_SECONDS = 60
DRAIN_SECONDS = 10
IDLE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Batch:
    """An array job of workers.

    Attributes:
        spoolq: the words that start spoolq.
        spool: the spool's absolute path.
        work: options of `spoolq work`, and its command.
        workers: tasks of the array.
        seconds: the time limit; None: the partition's.
        cpus: for each worker; None: Slurm's default.
        options: further options of sbatch, as `--partition=short`.
        setup: lines of shell to run first.
        again: go back into the queue when the worker has ended and work waits.
    """

    spoolq: Sequence[str]
    spool: str
    work: Sequence[str]
    workers: int = 1
    seconds: float | None = None
    cpus: int | None = None
    options: Sequence[str] = ()
    setup: Sequence[str] = ()
    again: bool = False


def script(batch: Batch) -> str:
    """The whole job script."""
    lines = ["#!/bin/sh", *(f"#SBATCH {option}" for option in _options(batch)), *batch.setup]
    worker = shlex.join([*batch.spoolq, "work", "-s", batch.spool, *_work(batch)])
    if batch.again:
        return "\n".join([*lines, _AGAIN.format(worker=worker, waiting=_waiting(batch))])
    return "\n".join([*lines, f"exec {worker}", ""])


def _options(batch: Batch) -> list[str]:
    options = ["--job-name=spoolq", f"--array=1-{batch.workers}"]
    if batch.seconds is not None:
        options.append(f"--time={time_limit(batch.seconds)}")
    if batch.cpus is not None:
        options.append(f"--cpus-per-task={batch.cpus}")
    options += [f"--signal=B:TERM@{WARNING_SECONDS}", "--requeue", "--open-mode=append"]
    # Of the same option twice, sbatch takes the last; it knows a shell's quotes.
    return [*options, *(shlex.quote(option) for option in batch.options)]


def _work(batch: Batch) -> list[str]:
    """What `work` is told beside what the user gave, which comes later and so is what counts."""
    given = batch.work[: batch.work.index("--")] if "--" in batch.work else batch.work
    told = [f"--drain={DRAIN_SECONDS}s"]
    if batch.cpus is not None and batch.cpus > 1:
        told.append(f"--jobs={batch.cpus}")
    if not any(word.partition("=")[0] in {"--idle-exit", "--until-empty"} for word in given):
        told.append(f"--idle-exit={IDLE_SECONDS}s")
    return [*told, *batch.work]


def _waiting(batch: Batch) -> str:
    return shlex.join([*batch.spoolq, "ls", "-s", batch.spool, "--ids", "--limit=1", "ready"])


def time_limit(seconds: float) -> str:
    """`D-HH:MM:SS`, as sbatch reads it."""
    whole = max(1, round(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}-{hour:02}:{minute:02}:{second:02}"


_AGAIN = """\
{worker} &
worker=$!
trap 'kill -TERM "$worker" 2> /dev/null' TERM
wait "$worker"
status=$?
while kill -0 "$worker" 2> /dev/null; do  # TERM has only interrupted the wait
    wait "$worker"
    status=$?
done
# While work waits, back into the queue; but not when this job is being cancelled.
me=${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}
if [ "$(squeue --noheader --jobs="$me" --format=%T)" = RUNNING ] &&
    [ -n "$({waiting})" ]; then
    exec scontrol requeue "$me"
fi
exit "$status"
"""
