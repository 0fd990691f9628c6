"""`spoolq explain`: why a job is not running."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.errors import UnknownJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.jobs import JobInfo
    from spoolq.queue import Spool


def add_arguments(table: Table) -> None:
    """The options of `spoolq explain`."""
    options.describe(
        table,
        "Tell why a job is not running: that the spool is paused, that the job is delayed and until "
        "when, how many jobs come before it, that nobody takes jobs, or who holds it until when. The "
        "exit status tells whether it has to wait.",
        """
spoolq explain "$id"
spoolq explain --json "$id" | jq -r .reasons[].text
spoolq ls --ids ready | head -3 | spoolq explain -
""",
        {
            0: "it is running, or next, or done",
            3: "it has to wait",
            5: "no such job",
            6: "it failed or was cancelled: it will not run",
        },
    )
    options.add_ids(table)
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Explain each job; the first status that is not 0 counts."""
    status = 0
    with options.open_spool(args, publish_only=True) as spool:
        for job_id in options.given_ids(args.ids):
            found = _explain(spool, job_id, as_json=args.json)
            status = status or found
    return status


def _explain(spool: Spool, job_id: str, *, as_json: bool) -> int:
    from spoolq.cli import telling
    from spoolq.looking import waits
    from spoolq.queue import internals
    from spoolq.rules import reasons

    job = spool.get(job_id)
    at = waits.situation(internals(spool), job)
    verdict = reasons.verdict(at)
    told = [telling.values(reason, at) for reason in reasons.reasons(at)]
    if as_json:
        output.json_line({**output.job_values(job), "verdict": verdict, "reasons": told})
    elif verdict == reasons.UNKNOWN:
        output.say(str(UnknownJob(job_id)))
    else:
        _print(job, verdict, [reason["text"] for reason in told])
    return {reasons.WAITING: 3, reasons.UNKNOWN: 5, reasons.FAILED: 6}.get(verdict, 0)


def _print(job: JobInfo, verdict: str, told: list[str]) -> None:
    word = output.word_of(job)
    said = {
        "running": "is running",
        "next": "is next: nothing stands in its way",
        "waiting": f"is {'waiting' if word != 'leased' else 'to be given out again'}",
        "ended": "is done",
        "failed": "was cancelled" if word == "cancelled" else "failed, and will not run again",
    }[verdict]
    output.line(f"{output.paint(output.printable(job.id), 'bold')} {said}")
    for text in [*told, *([job.reason] if verdict == "failed" and job.reason else [])]:
        output.line(f"  {output.printable(text)}")
