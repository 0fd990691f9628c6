"""`spoolq submit`: publish a command as a task, for `spoolq work --commands` to run."""

from __future__ import annotations

import os

from spoolq.cli import options, output, publishing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from spoolq.cli.arrays import Item
    from spoolq.cli.table import Table
    from spoolq.queue import Spool
    from spoolq.rules.commands import CommandTask

SHELL = "/bin/sh"
MAX_ARRAY_BYTES = 256 * 1024 * 1024


def add_arguments(table: Table) -> None:
    """The options of `spoolq submit`."""
    options.describe(
        table,
        """
Publish COMMAND as a task and print the job's id. A 'spoolq work --commands' on any host runs it: in
the directory you are in now, with the worker's environment and what --env adds, without input, and
without a shell unless you write one. What it prints is kept: see 'spoolq logs'.

With --array, one job per number of A-B or per line of FILE (- for standard input; empty lines are
passed over), all or none. In COMMAND and its ARGs {} becomes the number or line; the environment has
it as SPOOLQ_ARRAY_ITEM, and the number (of the line) as SPOOLQ_ARRAY_INDEX. A script given by --shell
is left as it is, so that no line can become code: it takes "$SPOOLQ_ARRAY_ITEM" or "$1".

With --wait, print what the command prints as it comes, and end with its exit status: 128+N when
signal N killed it, 124 when its time limit did. Ctrl-C cancels the job. Of an array the outputs come
in order, and the highest status counts.

Whoever can write to the spool can run commands as the user of such workers.
""",
        """
id=$(spoolq submit -- make -j4 all)
spoolq submit --timeout 1h --retries 2 -- ./simulate run7.conf
spoolq submit --env PATH --env OMP_NUM_THREADS=4 -- ./simulate run8.conf
spoolq submit --shell -- 'zcat "$1" | sort | gzip > sorted/"$1"' a.gz
spoolq submit --array 1-100 -- ./simulate --seed '{}'
find . -name '*.tif' | spoolq submit --array - -- convert '{}' '{}.png'
spoolq submit --wait -- ./tests && echo passed
""",
        {
            124: "with --wait: the time limit ended the command",
            6: "with --wait: the job failed without having run, or was cancelled",
            130: "with --wait: Ctrl-C; the job is cancelled",
        },
    )
    _add_command_options(table)
    publishing.add_options(table)
    table.add_argument(
        "--wait", action="store_true", help="stream the output, and end as the command does"
    )
    options.add_json(table)
    table.add_argument(
        "command", metavar="COMMAND [ARG...]", nargs="...", help="what to run, after a --"
    )


def _add_command_options(table: Table) -> None:
    add = table.add_argument
    add("--cwd", metavar="DIR", type=options.filled, help="run there (default: this directory)")
    add(
        "--env",
        metavar="K[=V]",
        type=_variable,
        action="append",
        default=[],
        help="a variable of its environment; without =V with the value it has here",
    )
    add(
        "--shell",
        action="store_true",
        help="COMMAND is a script for /bin/sh, the ARGs its $1, $2 ...",
    )
    add("--timeout", metavar="DUR", type=options.duration, help="stop the command after so long")
    add(
        "--retries",
        metavar="N",
        type=options.whole_number(0, 10**6),
        help="try so many times more when it fails: --max-attempts N+1",
    )
    add("--array", metavar="FILE|A-B", type=options.filled, help="many jobs at once: see above")


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise options.unfit(f"{text!r} is no variable; write NAME=VALUE or NAME")
    if not equals and name not in os.environ:
        raise options.unfit(f"{name} is not set here; write {name}=VALUE")
    return name, value if equals else os.environ[name]


def run(args: argparse.Namespace) -> int:
    """Publish the command, or all of the array; then wait if asked to."""
    words = options.given_command(args.command)
    found = _items(args, words)
    tasks = [_task(args, words, item) for item in found]
    wanted = _publish_options(args)
    from spoolq.rules.commands import dump_command

    with options.open_spool(args, publish_only=True) as spool:
        payloads = [dump_command(task) for task in tasks]
        ids: list[str] = []
        try:
            ids += _published(spool, payloads, wanted, args.key)
            if args.wait:
                from spoolq.cli import attending

                return attending.attend(spool, ids)
        except KeyboardInterrupt:
            _cancel(spool, ids)
            raise
        _tell(args, ids, found)
    return 0


def _items(args: argparse.Namespace, words: list[str]) -> list[Item | None]:
    if args.array is None:
        return [None]
    from spoolq.cli import arrays

    if args.key is not None:
        raise options.UsageError("--key names one job: no --array with it")
    if args.shell and arrays.PLACE in words[0]:
        raise options.UsageError(
            'a script takes "$SPOOLQ_ARRAY_ITEM" instead of {}, so that no line becomes code'
        )
    return [*arrays.items(args.array, MAX_ARRAY_BYTES)]


def _task(args: argparse.Namespace, words: list[str], item: Item | None) -> CommandTask:
    from spoolq.rules.commands import CommandTask

    env = dict(args.env)
    argv = [SHELL, "-c", words[0], "sh", *words[1:]] if args.shell else words
    if item is not None:
        from spoolq.cli import arrays

        # A script has been looked at: there is nothing in it to replace.
        argv = arrays.placed(argv, item[1])
        env |= arrays.variables(item)
    return CommandTask(argv, _directory(args.cwd), env, args.timeout or None)


def _directory(given: str | None) -> str:
    """An absolute directory, by the name it has on other hosts too: not through links resolved."""
    here = os.environ.get("PWD", "")
    try:
        if not os.path.isabs(here) or not os.path.samefile(here, "."):
            here = os.getcwd()
    except OSError:
        here = os.getcwd()
    return os.path.normpath(os.path.join(here, given)) if given else here


def _publish_options(args: argparse.Namespace) -> dict[str, Any]:
    wanted = publishing.given(args)
    if args.retries is not None:
        if args.max_attempts is not None:
            raise options.UsageError("give either --retries or --max-attempts")
        wanted["max_attempts"] = args.retries + 1
    if args.wait and args.json:
        raise options.UsageError("--wait prints what the command prints: no --json with it")
    return wanted


def _published(
    spool: Spool, tasks: list[bytes], wanted: dict[str, Any], key: str | None
) -> list[str]:
    if len(tasks) == 1:
        return [spool.publish(tasks[0], key=key, **wanted)]
    return spool.publish_many(tasks, **wanted)


def _cancel(spool: Spool, ids: list[str]) -> None:
    for job_id in ids:
        spool.cancel(job_id)
    if ids:
        output.say("cancelled; a command that runs is stopped when its lease is next renewed")


def _tell(args: argparse.Namespace, ids: list[str], found: list[Item | None]) -> None:
    for job_id, item in zip(ids, found, strict=True):
        if args.json:
            index, value = item or (None, None)
            output.json_line({"id": job_id, "index": index, "item": value})
        else:
            output.line(job_id)
