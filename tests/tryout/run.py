"""The tryout from beginning to end: publish, work, kill, take over, compare, tell."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq import JobStatus, Spool, SpoolqError
from tryout import figures, files
from tryout.progress import Progress
from tryout.team import Team
from tryout.verdict import Outcome

if TYPE_CHECKING:
    from tryout.team import Said

LEASE_SECONDS = 5.0
SILENCE_SECONDS = 120.0
FEW_TASKS = 200
"""With so few, the victim holds the very first task: there may be no later one left for it."""
VICTIM = "alpha-1"
LEAST_WORKERS, MOST_WORKERS = 3, 8


class TryoutFailed(Exception):
    """The run could not be brought to its end."""


def main(arguments: list[str]) -> int:
    """Run a tryout; the exit status: 0 when everything held."""
    options = _parser().parse_args(arguments)
    try:
        return _tryout(options)
    except (OSError, SpoolqError, TryoutFailed) as error:
        told = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        print(f"tryout: {told}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntryout: stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tryout", description=__doc__)
    parser.add_argument(
        "directory", nargs="?", help="one task per file below it (default: Python's own library)"
    )
    parser.add_argument("--spool", help="where to make the spool (default: in the checkout)")
    return parser


def _tryout(options: argparse.Namespace) -> int:
    directory, paths = (
        files.of_the_library()
        if options.directory is None
        else (options.directory, files.of_directory(options.directory))
    )
    if not paths:
        raise TryoutFailed(f"{directory}: there are no files in it")
    spool_path = options.spool or _new_place()
    with Spool.create(spool_path, lease_seconds=LEASE_SECONDS) as spool:
        print(f"One task for each of the {len(paths)} files in {directory}, spool {spool.path}")
        started = time.monotonic()
        ids = spool.publish_many(paths)
        publishing = time.monotonic() - started
        outcome = Outcome(VICTIM, dict(zip(ids, paths, strict=True)))
        working = _work_off(spool, outcome)
        alone = _compare(spool, outcome)
        _show_table(outcome, publishing, working, alone)
    _show_spool(spool_path)
    failings = list(outcome.failings())
    for failing in failings:
        print(f"FAILED: {failing}")
    print("FAILED" if failings else "All of it held.")
    return 1 if failings else 0


def _new_place() -> str:
    checkout = Path(__file__).resolve().parents[2]
    parent = checkout if os.access(checkout, os.W_OK) else Path(tempfile.gettempdir())
    return str(parent / f"tryout-spool-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")


def _work_off(spool: Spool, outcome: Outcome) -> float:
    """Have all tasks done by workers, one of which is killed; returns the seconds it took."""
    total = len(outcome.paths)
    is_few = total < FEW_TASKS
    numbers = range(1, min(max(LEAST_WORKERS, os.cpu_count() or 1), MOST_WORKERS) + 1)
    others = [f"alpha-{number}" for number in numbers[1:]]
    progress = Progress("done", total)
    with Team(spool.path) as team:
        run = _Run(spool, outcome, team, progress)
        team.start(VICTIM, hold_at_once=is_few)
        run.wait_for("holding" if is_few else "ready", VICTIM)
        for name in others:
            team.start(name)
        if not is_few:
            run.wait_for_done(total // 3)
            team.tell_to_hold(VICTIM)
            run.wait_for("holding", VICTIM)
        run.kill_the_victim()
        team.tell_to_stop(others)
        for number in numbers:
            team.start(f"beta-{number}")
        run.wait_for_done(total)
        return progress.over(total)


class _Run:
    """Listens to the workers, keeping count in the outcome."""

    def __init__(self, spool: Spool, outcome: Outcome, team: Team, progress: Progress) -> None:
        self._spool, self._outcome, self._team, self._progress = spool, outcome, team, progress

    def wait_for(self, what: str, worker: str) -> None:
        """Listen until this worker has said this."""
        while True:
            said = self._listen()
            if (said.what, said.worker) == (what, worker):
                return

    def wait_for_done(self, count: int) -> None:
        """Listen until so many jobs are done."""
        while len(self._outcome.done_by) < count:
            self._listen()

    def kill_the_victim(self) -> None:
        """SIGKILL the worker that holds work, and make sure that it held some after it was dead."""
        status = self._team.kill(VICTIM)
        self._outcome.held = [
            info.id for info in self._spool.list(JobStatus.PROCESSING) if info.owner == VICTIM
        ]
        self._progress.note(
            f"  killed {VICTIM} (status {status}) while it held {len(self._outcome.held)} tasks;"
            f" their leases end within {LEASE_SECONDS:.0f} s; host beta takes over from host alpha"
        )

    def _listen(self) -> Said:
        said = self._team.next_said(SILENCE_SECONDS)
        if said is None:
            raise TryoutFailed(f"no worker has said anything for {SILENCE_SECONDS:.0f} s")
        if said.what == "gone" and not self._team.is_over_for(said.worker):
            raise TryoutFailed(f"worker {said.worker} has ended, and nobody told it to")
        if said.what == "done":
            self._outcome.done(said.job_id, said.worker)
        self._progress.at(len(self._outcome.done_by))
        return said


def _compare(spool: Spool, outcome: Outcome) -> float:
    """Compute everything once more in a plain loop and compare; returns the loop's own seconds."""
    progress = Progress("compared", len(outcome.paths))
    computing = 0.0
    for count, (job_id, path) in enumerate(outcome.paths.items()):
        started = time.monotonic()
        expected = figures.of(path)
        computing += time.monotonic() - started
        outcome.compare(spool, job_id, expected)
        progress.at(count)
    progress.over(len(outcome.paths))
    return computing


def _show_table(outcome: Outcome, publishing: float, working: float, alone: float) -> None:
    total = len(outcome.paths)
    takers = ", ".join(sorted(set(outcome.redelivered.values()))) or "nobody"
    rows = [
        ("tasks", f"{total}"),
        ("published", f"in {publishing:.2f} s, {total / publishing:.0f}/s"),
        ("done", f"in {working:.1f} s, {total / working:.0f}/s (a plain loop: {alone:.1f} s)"),
        ("held by the killed worker", f"{len(outcome.held)}"),
        ("redelivered", f"{len(outcome.redelivered)}, to {takers}"),
        ("lost", f"{len(outcome.lost)}"),
        ("wrong", f"{len(outcome.wrong)}"),
        ("done twice", f"{len(outcome.twice)}"),
    ]
    if outcome.changed:
        rows.append(("not compared", f"{len(outcome.changed)}, changed by others meanwhile"))
    print()
    for name, value in rows:
        print(f"  {name:<26} {value}")


def _show_spool(path: str) -> None:
    print(f"\n$ ls -F {path}", flush=True)
    subprocess.run(["ls", "-F", path], check=False)
    done = sorted(os.listdir(Path(path, "done")))
    print(f"$ ls {path}/done | head -4\n" + "\n".join(done[:4]))
    print(f"(the spool stays, to look around in; remove it with: rm -r {path})\n", flush=True)
