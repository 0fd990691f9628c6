"""docs/reference/cli.md is what the parsers say, and every example in it can be parsed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import environment

from spoolq.cli.main import COMMANDS, parser_of
from spoolq.cli.parser import parsed

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGE = (REFERENCE / "cli.md").read_text(encoding="utf-8")


def test_the_page_is_current() -> None:
    ended = subprocess.run(
        [sys.executable, str(REFERENCE / "make_cli.py"), "--check"],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stderr.decode()


def examples() -> list[tuple[str, list[str]]]:
    """Every `spoolq COMMAND ...` in a shell block of the page, cut where the shell would."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for line in block.splitlines():
            text = re.sub(r"\s#.*", "", line)
            for match in re.finditer(r"spoolq( -s \S+)? ([a-z]+)((?:'[^']*'|[^|;&)<>'])*)", text):
                words = shlex.split(match[3])
                found.append((match[2], words))
    return found


def test_there_are_examples_of_every_command() -> None:
    documented = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    assert documented <= set(COMMANDS)
    assert {command for command, _ in examples()} >= documented


@pytest.mark.parametrize(("command", "words"), examples())
def test_examples_parse(command: str, words: list[str]) -> None:
    _, parser = parser_of(command)
    assert parsed(parser, words)
