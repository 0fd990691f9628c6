"""Start-up time is a feature: a command imports what it needs, and no more."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.processes import environment

if TYPE_CHECKING:
    from spoolq import Spool

NEVER = {"watchdog", "filelock", "logging.handlers", "asyncio", "multiprocessing", "email", "ssl"}
REPORT = """
import sys
from spoolq.cli.main import main
status = main(sys.argv[1:])
print("\\n".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(status)
"""


def modules_of(spool: Spool, *words: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{REPORT}", *words],
        input=b"task",
        capture_output=True,
        check=False,
        env=environment(SPOOLQ_DIR=spool.path),
    )
    assert ended.returncode in {0, 3}, ended
    return set(ended.stderr.decode().split())


@pytest.mark.parametrize(
    "words",
    [("put",), ("submit", "x"), ("get",), ("ls",), ("status",), ("wait", "--all"), ("reap",)],
)
def test_a_command_imports_its_own_module_and_nothing_heavy(
    spool: Spool, words: tuple[str, ...]
) -> None:
    found = modules_of(spool, *words)
    assert {name for name in found if name.startswith("spoolq.cli.cmd_")} == {
        f"spoolq.cli.cmd_{words[0]}"
    }
    assert not found & NEVER
    assert not {name for name in found if name.startswith(("spoolq.worker", "spoolq.upkeep"))}


def test_the_overview_imports_no_command_and_no_argparse(spool: Spool) -> None:
    found = modules_of(spool, "--help")
    assert "argparse" not in found
    assert not {name for name in found if name.startswith("spoolq.cli.cmd_")}
