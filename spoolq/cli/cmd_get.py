"""`spoolq get`: take one job on a lease."""

from __future__ import annotations

from spoolq.cli import held, options, output
from spoolq.errors import Empty, SpoolqError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.holding.job import Job
    from spoolq.queue import Spool


def add_arguments(table: Table) -> None:
    """The options of `spoolq get`."""
    options.describe(
        table,
        """
Take the next job on a lease and print the name of its file in leased/: the task's content is
there to be read, and the name is what done, fail, release and extend want. Until its deadline the
job is nobody else's; not ended or extended by then, it is given out again.

When nothing is ready: exit status 3, at once unless --timeout or --wait is given.
""",
        """
lease=$(spoolq get) && process < "$SPOOLQ_DIR/leased/$lease" && spoolq done "$lease"
lease=$(spoolq get --wait --output task.pdf)
while lease=$(spoolq get --timeout 30s --output task); do
  if ./work task; then spoolq done "$lease"; else spoolq fail "$lease"; fi
done
spoolq get --json                                   # id, name, lease, attempt, deadline, path ...
""",
        {3: "nothing is ready, or became so in time"},
    )
    waiting = table.add_mutually_exclusive_group()
    waiting.add_argument(
        "--timeout",
        metavar="DUR",
        type=options.duration,
        default=0.0,
        help="wait so long for a job (default 0: do not wait)",
    )
    waiting.add_argument(
        "--wait", action="store_const", dest="timeout", const=None, help="wait for ever"
    )
    table.add_argument(
        "--output",
        metavar="FILE",
        help="write the task there too; if that fails, the job goes back",
    )
    options.add_json(table)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Take a job, store it, tell its name; one whose name could not be told goes back."""
    if args.output in {"", "-"}:
        raise options.UsageError("--output wants a file; the job's name goes to standard output")
    with options.open_spool(args) as spool:
        job = _taken(spool, args.timeout)
        try:
            if args.output is not None:
                _store(job.task, args.output)
            _tell(job, as_json=args.json)
        except BaseException:
            _give_back(job)
            raise
    return 0


def _taken(spool: Spool, timeout: float | None) -> Job:
    """The next job.

    Raises:
        Empty: there is none; the text tells whether that is because the spool is paused.
    """
    try:
        return spool.get_job(timeout)
    except Empty:
        reason = options.paused_reason(spool)
        if reason is None:
            raise
        why = f": {reason}" if reason else ""
        raise Empty(f"no job: {spool.path} is paused{why}") from None


def _give_back(job: Job) -> None:
    """Others may have the job now, not when the lease ends. What made us do this matters more."""
    try:
        job.release()
    except SpoolqError:
        pass


def _tell(job: Job, *, as_json: bool) -> None:
    if as_json:
        output.json_line(held.held_values(job))
    else:
        output.line(job.name)
    output.flush()


def _store(task: bytes, file: str) -> None:
    from spoolq.cli.storing import store

    store(task, file)
