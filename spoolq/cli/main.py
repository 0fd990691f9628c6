"""The command `spoolq`: finds the command named, imports that module alone, runs it.

Adding a command: one file `cmd_NAME.py` with `add_arguments(table)` and `run(args) -> int`, and
one line in COMMANDS. Whatever a command raises ends here, as one line and an exit status.
"""

from __future__ import annotations

import gc
import sys

from spoolq.cli import output, plain
from spoolq.cli.table import Table
from spoolq.later import module_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from spoolq.cli.parser import Parser

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("cmd_init", "make a spool"),
    "put": ("cmd_put", "publish tasks; prints their ids"),
    "submit": ("cmd_submit", "publish a command, or many, for 'work --commands' to run"),
    "get": ("cmd_get", "take a job on a lease; prints the name of its file"),
    "slurm": ("cmd_slurm", "run workers as an array job of Slurm"),
    "done": ("cmd_done", "end leased jobs well"),
    "fail": ("cmd_fail", "end an attempt badly: retried later, or failed"),
    "release": ("cmd_release", "give leased jobs back, as if never taken"),
    "extend": ("cmd_extend", "renew leases; prints the new names"),
    "work": ("cmd_work", "run a command for each job"),
    "stop": ("cmd_stop", "ask workers, on any host, to stop"),
    "status": ("cmd_status", "how many jobs are where"),
    "ls": ("cmd_ls", "list jobs"),
    "show": ("cmd_show", "all that is known of a job"),
    "top": ("cmd_top", "a live view in the terminal, with keys to steer"),
    "explain": ("cmd_explain", "why a job is not running"),
    "metrics": ("cmd_metrics", "figures for Prometheus: a file, or scrapes"),
    "logs": ("cmd_logs", "what the command of a job has written"),
    "wait": ("cmd_wait", "wait until jobs have ended"),
    "cancel": ("cmd_cancel", "see that no further run of a job comes"),
    "retry": ("cmd_retry", "make failed jobs ready again"),
    "pause": ("cmd_pause", "let no job be taken, on any host"),
    "resume": ("cmd_resume", "undo pause"),
    "reap": ("cmd_reap", "take back expired leases, promote what is due, sweep"),
    "prune": ("cmd_prune", "remove jobs that ended long ago"),
    "archive": ("cmd_archive", "pack old done jobs into one compressed file a day"),
    "report": ("cmd_report", "write a page about what the spool has done"),
    "web": ("cmd_web", "the same page, live, in a browser on this host"),
    "doctor": ("cmd_doctor", "check a spool and explain what is wrong with it"),
    "bench": ("cmd_bench", "measure spools on a file system, beside the bare system calls"),
    "completion": ("cmd_completion", "print the completion script of a shell"),
}
"""Every command: its module in this room, and its line in `spoolq --help`."""

_OTHER_WORDS = {
    "ack": "done", "add": "put", "claim": "get", "complete": "done", "delete": "cancel",
    "enqueue": "put", "info": "show", "list": "ls", "nack": "fail", "publish": "put",
    "push": "put", "pop": "get", "renew": "extend", "requeue": "retry", "rm": "cancel",
    "stat": "status", "stats": "status", "take": "get", "unpause": "resume",
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit status."""
    output.prepare()
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
        output.flush()
    except (Exception, KeyboardInterrupt) as error:
        status = _failure(error)
    if argv is None:
        gc.freeze()  # the process ends: 3 ms that Python would search all that was imported for cycles
    return status


def parser_of(command: str) -> tuple[ModuleType, Parser]:
    """The module of a command and its whole parser, `-s` included; raises as `table_of`."""
    from spoolq.cli.parser import parser_for

    module, table = table_of(command)
    return module, parser_for(table)


def table_of(command: str) -> tuple[ModuleType, Table]:
    """The module of a command and all its options, `-s` included.

    Raises:
        UsageError: the command is registered, but this copy of spoolq lacks its module.
    """
    name = f"spoolq.cli.{COMMANDS[command][0]}"
    try:
        module = module_named(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise _usage_error("not in this copy of spoolq") from None
    table = Table(f"spoolq {command}")
    module.add_arguments(table)
    table.add_argument(
        "-s", "--spool", metavar="DIR", help="the spool (else the environment's SPOOLQ_DIR)"
    )
    return module, table


def _run(argv: list[str]) -> int:
    spool, words = _leading_options(argv)
    if not words:
        output.to_stderr(_overview())
        return 2
    command, rest = words[0], words[1:]
    if command in {"-h", "--help", "help"}:
        return _help(rest)
    if command == "--version":
        output.line(f"spoolq {_version()}")
        return 0
    if command not in COMMANDS:
        raise _usage_error(_unknown(command))
    return _run_command(command, spool, rest)


def _leading_options(argv: list[str]) -> tuple[str | None, list[str]]:
    """The spool where it is named before the command, and the words from the command on."""
    spool, at = None, 0
    while at < len(argv):
        word = argv[at]
        if word in {"-s", "--spool"}:
            if at + 1 == len(argv):
                raise _usage_error(
                    "argument -s/--spool: expected one argument (see 'spoolq --help')"
                )
            spool, at = argv[at + 1], at + 2
        elif word.startswith("--spool="):
            spool, at = word.removeprefix("--spool="), at + 1
        elif word.startswith("-s") and not word.startswith("--"):
            spool, at = word[2:], at + 1
        else:
            break
    return spool, argv[at:]


def _run_command(command: str, spool: str | None, rest: list[str]) -> int:
    from spoolq.cli.options import UsageError

    try:
        module, table = table_of(command)
        args = _read(table, rest)
        if args.spool is None:
            args.spool = spool
        return int(module.run(args))
    except UsageError as error:
        raise UsageError(f"{command}: {error} (see 'spoolq {command} --help')") from None
    except SystemExit as ended:  # argparse has shown help
        return int(ended.code or 0)


def _read(table: Table, words: list[str]) -> argparse.Namespace:
    """The values of a command line; argparse is asked where it is not plain."""
    found = plain.read(table, words)
    if found is not None:
        return found
    from spoolq.cli.parser import parsed, parser_for

    return parsed(parser_for(table), words)


def _help(words: list[str]) -> int:
    if not words:
        output.block(_overview())
        return 0
    if words[0] not in COMMANDS:
        raise _usage_error(_unknown(words[0]))
    return _run_command(words[0], None, ["--help"])


def _overview() -> str:
    names = "\n".join(f"  {name:<10} {about}" for name, (_, about) in COMMANDS.items())
    return f"""\
usage: spoolq [-s DIR] COMMAND [OPTION...] [ARGUMENT...]

A job queue whose server is a directory.

{names}

  -s, --spool DIR  the spool; else the environment's SPOOLQ_DIR
  -h, --help       this, or a command's options and examples (spoolq put --help)
  --version        the version

EXAMPLES
  export SPOOLQ_DIR=/shared/spool
  spoolq init                            # once
  spoolq put page1.pdf page2.pdf         # publish two tasks
  lease=$(spoolq get --output page.pdf)  # take one, then work on it ...
  spoolq done "$lease"                   # ... and end it
  spoolq status

EXIT STATUS
  0  all went well                       4  the lease is lost
  1  an error                            5  no such job
  2  the command line makes no sense     6  a task failed
  3  nothing there, or timed out
"""


def _unknown(command: str) -> str:
    import difflib

    close = difflib.get_close_matches(command, COMMANDS, n=1)
    meant = _OTHER_WORDS.get(command) or (close[0] if close else None)
    what = "option" if command.startswith("-") else "command"
    return f"unknown {what} '{command}'" + (
        f"; did you mean '{meant}'?" if meant else " (see 'spoolq --help')"
    )


def _usage_error(message: str) -> Exception:
    from spoolq.cli.options import UsageError

    return UsageError(message)


def _version() -> str:
    from spoolq import __version__

    return __version__


def _failure(error: BaseException) -> int:
    """Tell what went wrong in one line at most, and with which status to end."""
    from spoolq.cli.failures import exit_status

    return exit_status(error)
