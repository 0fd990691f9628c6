"""`spoolq slurm`: workers as an array job of Slurm."""

from __future__ import annotations

import sys

from spoolq.cli import options, output
from spoolq.disk import identity
from spoolq.errors import InvalidSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table

SHORTEST_SECONDS = 180
SUBMIT_SECONDS = 120.0


def add_arguments(table: Table) -> None:
    """The options of `spoolq slurm`."""
    options.describe(
        table,
        """
Print the script of a Slurm array job whose tasks are workers of this spool: 'spoolq work' with the
WORK ARGUMENTS that follow --. With --submit, hand it to sbatch and print the job's id.

The workers know when their time is over, take nothing that cannot finish (--min-time), drain on the
signal that Slurm sends a minute before, and give back what still runs, its attempt not counted. So
they do on scancel and on preemption; requeued, they begin again. They end when there was no work for
two minutes, unless the arguments say --idle-exit or --until-empty. With --again, a task whose time is
over goes back into the queue while there is work left.
""",
        """
spoolq slurm -n 20 --time 4h -- --min-time 30m -- ./simulate > workers.sh
spoolq slurm -n 20 --time 4h --cpus 8 --submit -- --commands
spoolq slurm -n 4 -o gres=gpu:1 --setup 'module load cuda' --submit -- -- ./train {}
""",
        {1: "an error; with --submit also when sbatch refused"},
    )
    add = table.add_argument
    add("-n", "--workers", metavar="N", type=options.whole_number(1, 10**6), default=1,
        help="tasks of the array (default 1)")  # fmt: skip
    add("--time", metavar="DUR", type=options.duration,
        help="time limit of each (default: the partition's)")  # fmt: skip
    add("--cpus", metavar="N", type=options.whole_number(1, 10**5),
        help="CPUs for each; the worker runs as many commands at once")  # fmt: skip
    add("-o", "--option", metavar="NAME=VALUE", type=_option, action="append", default=[],
        help="an option of sbatch: partition=short, mem=4G; may be repeated")  # fmt: skip
    add("--setup", metavar="LINE", type=options.filled, action="append", default=[],
        help="a line of shell to run first: 'module load ...'; may be repeated")  # fmt: skip
    add("--again", action="store_true",
        help="back into the queue when the time is over and work is left")  # fmt: skip
    add("--submit", action="store_true", help="hand the script to sbatch")
    options.add_json(table)
    add("work", metavar="WORK ARGUMENTS", nargs="...",
        help="options and command of spoolq work, after a --")  # fmt: skip


def _option(text: str) -> str:
    name = text.partition("=")[0]
    if not name.replace("-", "").isalnum() or "\n" in text:
        raise options.unfit(f"{text!r} is no option; write NAME=VALUE or NAME")
    return f"--{text.removeprefix('--')}" if not text.startswith("--") else text


def run(args: argparse.Namespace) -> int:
    """Print the script, or submit it."""
    script = _script(args)
    if not args.submit:
        if args.json:
            output.json_line({"script": script, "job": None})
        else:
            output.block(script)
        return 0
    job = _submitted(script)
    if job is None:
        return 1
    if args.json:
        output.json_line({"script": script, "job": job})
    else:
        output.line(output.printable(job))
    return 0


def _script(args: argparse.Namespace) -> str:
    from spoolq.rules import batch

    work = options.unled(args.work)
    if args.time is not None and args.time < SHORTEST_SECONDS:
        raise options.UsageError("--time: less than 3m leaves no time to work and to drain")
    _check_work(work)
    with options.open_spool(args, publish_only=True) as spool:
        path = spool.path
    return batch.script(
        batch.Batch(
            spoolq=identity.program(sys.executable),
            spool=path,
            work=work,
            workers=args.workers,
            seconds=args.time,
            cpus=args.cpus,
            options=args.option,
            setup=args.setup,
            again=args.again,
        )
    )


def _check_work(work: list[str]) -> None:
    """A mistake in it would show only when the workers start."""
    from spoolq.cli.main import parser_of

    module, parser = parser_of("work")
    try:
        module.checked(parser.parse_args(work))
    except (options.UsageError, InvalidSetting) as error:
        raise options.UsageError(f"the arguments of work: {error}") from None


def _submitted(script: str) -> str | None:
    """The job's id; None when sbatch refused, which has been told."""
    import subprocess

    try:
        ran = subprocess.run(
            ["sbatch", "--parsable"],  # noqa: S607
            input=script.encode(),
            capture_output=True,
            timeout=SUBMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        output.say(f"sbatch: {getattr(error, 'strerror', None) or error}")
        return None
    if ran.returncode:
        output.say(f"sbatch: {ran.stderr.decode(errors='replace').strip()}")
        return None
    return ran.stdout.decode(errors="replace").strip().partition(";")[0]
