"""docs/tutorial.md is run as it stands; what it shows as output is what comes out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(
    r"^```(sh|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
pytestmark = pytest.mark.timeout(600)
MARK = "--- the end of a block of the tutorial ---"


def blocks() -> list[tuple[str, str, str | None]]:
    """Language, code, and the output that is shown (None: any)."""
    return [(lang, code, told or None) for lang, code, told in BLOCK.findall(PAGE.read_text())]


def script() -> Iterator[str]:
    """One shell session of all blocks."""
    for language, code, _ in blocks():
        if language == "python":
            yield f"python - << 'END OF BLOCK'\n{code}END OF BLOCK\n"
        else:
            yield code
        yield f"echo '{MARK}'\n"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block printed."""
    place = tmp_path_factory.mktemp("tutorial")
    tools = place / "bin"
    tools.mkdir()
    for name, words in (("spoolq", " -m spoolq"), ("python", "")):
        (tools / name).write_text(f"#!/bin/sh\nexec '{sys.executable}'{words} \"$@\"\n")
        (tools / name).chmod(0o755)
    ended = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", "".join(script())],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        env=environment(PATH=f"{tools}:/usr/bin:/bin"),
        timeout=500,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.split(f"{MARK}\n")[:-1]


def as_pattern(shown: str) -> str:
    """Three dots stand for anything, the end of a line with them for any further lines too."""
    return ".*".join(re.escape(part) for part in shown.split("..."))


def test_every_block_ran(outputs: list[str]) -> None:
    assert len(outputs) == len(blocks()) > 10


@pytest.mark.parametrize("number", [n for n, (_, _, told) in enumerate(blocks()) if told])
def test_a_block_prints_what_is_shown(outputs: list[str], number: int) -> None:
    told = blocks()[number][2]
    assert told is not None
    pattern = as_pattern(told.rstrip("\n"))
    assert re.fullmatch(pattern, outputs[number].rstrip("\n"), re.DOTALL), outputs[number]
