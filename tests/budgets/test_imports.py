"""What each command imports, exactly, of what is dear: a test of start-up time that no clock decides.

Who makes a command dearer meets it here, and who makes one cheaper takes a name away.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.processes import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

DEAR = {
    "argparse": "with the parser to be made as long as Python's start: cli/plain.py reads plain lines",
    "typing": "as long as Python's start: for type checkers only",
    "dataclasses": "with inspect longer than Python's start, and a millisecond for each class",
    "re": "half of Python's start: to tell names apart",
    "enum": "re's, and JobStatus'",
    "json": "records, and --json; spool.json is read by rules/flat.py",
    "datetime": "times are texts and numbers until a person or a caller wants one",
    "threading": "comes with Python's queue, whose errors are bases of ours",
    "contextlib": "a try is as short",
    "warnings": "importlib's and inspect's: spoolq.later has module_named",
    "random": "consumers that step aside for each other",
    "base64": "names in archives",
    "fnmatch": "ls --owner",
    "filelock": "four times Python's start: upkeep that one process at a time is to do",
    "watchdog": "four times Python's start: who waits for jobs",
    "logging": "spoolq.later: who has something to say",
    "concurrent.futures": "batches that are synced",
    "inspect": "dataclasses'",
    "gettext": "argparse's",
    "locale": "argparse's",
    **dict.fromkeys(
        ["ast", "asyncio", "decimal", "email", "hashlib", "importlib.metadata", "multiprocessing",
         "pathlib", "shutil", "socket", "subprocess", "tempfile", "traceback", "urllib.parse",
         "uuid", "zipfile"], "no business of a short command",
    ),
}  # fmt: skip
"""Modules that a short command should do without, and why or for what they are there."""

LOCKS = {"threading"}
NAMES = {*LOCKS, "re", "enum"}
RECORDS = {*NAMES, "json"}
CLASSES = {"dataclasses", "inspect", "ast", "contextlib", "warnings"}
PROGRAM = """
import sys
before = set(sys.modules)
from spoolq.cli.main import main
status = main(sys.argv[1:])
sys.stderr.write("\\n".join(sorted(set(sys.modules) - before)))
sys.exit(status)
"""


def modules_of(spool: Spool, *words: str) -> set[str]:
    """The modules that a real process has imported when its command ends."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM}", *words],
        input=b"task",
        capture_output=True,
        check=False,
        env=environment(SPOOLQ_DIR=spool.path),
    )
    assert ended.returncode == 0, ended
    return set(ended.stderr.decode().split())


def dear(modules: set[str]) -> set[str]:
    """Those of them that are dear."""
    return modules & DEAR.keys()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("put", LOCKS),
        ("put --priority 2 --delay 15m", LOCKS),
        ("put --lines", LOCKS),
        ("put --json", RECORDS),
        ("put --header a=b", RECORDS),
        ("get", NAMES),
        ("get --timeout 5s", NAMES),
        ("status", NAMES),
        ("ls", {*RECORDS, "datetime", "base64", "fnmatch", *CLASSES}),
        ("submit -- make all", RECORDS),
        ("done LEASE", NAMES),
        ("fail LEASE", RECORDS),
        ("release LEASE", NAMES),
        ("extend LEASE", NAMES),
    ],
)
def test_a_command_imports_nothing_dear_but(
    make_spool: Callable[..., Spool], words: str, expected: set[str]
) -> None:
    spool = make_spool()
    spool.publish(b"task")
    lease = spool.get_job(0).name if "LEASE" in words else ""
    command, *rest = words.replace("LEASE", lease).split()
    found = modules_of(spool, command, *rest)
    assert dear(found) == expected
    assert rooms(found) == {f"spoolq.cli.cmd_{command}"}


def rooms(modules: set[str]) -> set[str]:
    """Commands, and rooms that no short command needs."""
    beginnings = (
        "spoolq.cli.cmd_",
        "spoolq.worker",
        "spoolq.upkeep",
        "spoolq.report",
        "spoolq.bench",
    )
    return {name for name in modules if name.startswith(beginnings)}


def test_only_who_takes_jobs_brings_a_consumer_along(spool: Spool) -> None:
    spool.publish(b"task")
    found = {words: modules_of(spool, *words.split()) for words in ("get", "put", "status", "ls")}
    having = {words for words, modules in found.items() if "spoolq.holding.consumer" in modules}
    assert having == {"get"}


def test_the_overview_imports_no_command_and_no_spool(spool: Spool) -> None:
    found = modules_of(spool, "--help")
    assert dear(found) == set()
    assert rooms(found) == set()
    assert "spoolq.queue" not in found


def test_a_command_that_ends_is_not_searched_for_garbage() -> None:
    asks = "import gc; from spoolq.cli.main import main; main({}); print(gc.get_freeze_count())"
    frozen = [
        int(subprocess.check_output([sys.executable, "-c", asks.format(given), "--version"],
                                    env=environment()).split()[-1])
        for given in ("", "['--version']")
    ]  # fmt: skip
    assert frozen[0] > 1000
    assert frozen[1] == 0


def test_a_mistake_and_help_are_argparse_s(spool: Spool) -> None:
    assert "argparse" in modules_of(spool, "put", "--help")
