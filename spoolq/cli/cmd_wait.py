"""`spoolq wait`: wait until jobs have ended."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.errors import UnknownJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.cli.watching import Watch
    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool

TIMED_OUT = 3
SOME_FAILED = 6


def add_arguments(table: Table) -> None:
    """The options of `spoolq wait`."""
    options.describe(
        table,
        """
Wait until jobs have ended, and tell by the exit status how. Failed and cancelled ones are named on
standard error. --all waits until nothing is ready, leased or delayed in the whole spool; then 6
means that there are jobs in failed/, or that some were cancelled while we waited.

This looks at the spool now and then: often at first, once a second in the end.
""",
        """
spoolq wait "$id" && echo it is done
spoolq put --lines < urls.txt | spoolq wait -
spoolq wait --all --timeout 2h
""",
        {
            0: "all of them are done",
            3: "--timeout has passed, and some have not ended",
            5: "some id is no job (any more)",
            6: "all have ended, but some failed or were cancelled",
        },
    )
    options.add_ids(table, nargs="*")
    table.add_argument("--all", action="store_true", help="wait for all jobs of the spool")
    table.add_argument(
        "--timeout", metavar="DUR", type=options.duration, help="give up after so long"
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Wait for the jobs named, or for all."""
    from spoolq.cli.watching import Watch

    if bool(args.ids) == args.all:
        raise options.UsageError("give either IDs or --all")
    with options.open_spool(args, publish_only=True) as spool:
        watch = Watch(args.timeout)
        if args.all:
            return _wait_for_all(spool, watch)
        waiting = dict.fromkeys(options.given_ids(args.ids))
        return _wait_for(spool, list(waiting), watch, as_json=args.json)


def _wait_for(spool: Spool, ids: list[str], watch: Watch, *, as_json: bool) -> int:
    """One look at each; from then on only at the first that has not ended, the rest can wait."""
    seen = _Ends(as_json=as_json)
    left = [job_id for job_id in ids if not seen.look(spool, job_id)]
    for position, job_id in enumerate(left):
        watch.begin()
        while not seen.look(spool, job_id):
            if not watch.pause():
                rest = [late for late in left[position:] if not seen.look(spool, late)]
                output.say(f"timed out: {len(rest)} of {len(ids)} jobs have not ended")
                return TIMED_OUT if rest else seen.status
    return seen.status


class _Ends:
    """How the jobs looked at have ended, told once each."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.status = 0

    def look(self, spool: Spool, job_id: str) -> bool:
        """Whether the job has ended."""
        job = spool.get(job_id)
        word = output.word_of(job)
        if word not in {"done", "failed", "cancelled", "unknown"}:
            return False
        self._tell(job, word)
        return True

    def _tell(self, job: JobInfo, word: str) -> None:
        if self._as_json:
            output.json_line(output.job_values(job))
            output.flush()
        if word == "unknown":
            self.status = UnknownJob.exit_code
            output.say(str(UnknownJob(job.id)))
        elif word != "done":
            self.status = self.status or SOME_FAILED
            output.say(f"job {job.id} {_past(word)}" + (f": {job.reason}" if job.reason else ""))


def _past(word: str) -> str:
    return "was cancelled" if word == "cancelled" else word


def _wait_for_all(spool: Spool, watch: Watch) -> int:
    from spoolq.cli.watching import cancelled_ids, failed_count, is_quiet

    before = cancelled_ids(spool)
    watch.begin()
    while not is_quiet(spool):
        if not watch.pause():
            output.say("timed out: there are jobs that have not ended")
            return TIMED_OUT
    failed, cancelled = failed_count(spool), len(cancelled_ids(spool) - before)
    if failed or cancelled:
        output.say(f"all jobs have ended: {failed} in failed/, {cancelled} cancelled meanwhile")
        return SOME_FAILED
    return 0
