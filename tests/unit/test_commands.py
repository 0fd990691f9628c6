"""Command tasks: what submit writes is what work reads; anything else is refused with a reason."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq import InvalidTask
from spoolq.rules.commands import CommandTask, dump_command, load_command

TEXTS = st.binary(max_size=20).filter(lambda b: b"\0" not in b).map(os.fsdecode)
NAMES = TEXTS.filter(lambda text: text != "" and "=" not in text)
COMMANDS = st.builds(
    CommandTask,
    argv=st.lists(TEXTS, min_size=1, max_size=4).filter(lambda argv: argv[0] != ""),
    cwd=st.none() | TEXTS.map(lambda text: f"/{text}"),
    env=st.dictionaries(NAMES, TEXTS, max_size=3),
    timeout_seconds=st.none() | st.floats(min_value=0.001, max_value=1e6),
)


@given(COMMANDS)
def test_what_is_written_is_what_is_read_even_bytes_that_are_no_utf8(command: CommandTask) -> None:
    assert load_command(dump_command(command)) == command


def test_unknown_keys_are_passed_over() -> None:
    assert load_command(b'{"argv": ["true"], "colour": "red"}') == CommandTask(["true"])


@pytest.mark.parametrize(
    "task",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'"true"',
        b"{}",
        *(
            json.dumps(values).encode()
            for values in [
                {"argv": []},
                {"argv": "true"},
                {"argv": [""]},
                {"argv": ["true", 1]},
                {"argv": ["true\0"]},
                {"argv": ["true"], "cwd": "relative"},
                {"argv": ["true"], "cwd": 1},
                {"argv": ["true"], "env": ["A"]},
                {"argv": ["true"], "env": {"A": 1}},
                {"argv": ["true"], "env": {"A=B": "1"}},
                {"argv": ["true"], "env": {"": "1"}},
                {"argv": ["true"], "timeout_seconds": True},
                {"argv": ["true"], "timeout_seconds": 0},
                {"argv": ["true"], "timeout_seconds": float("nan")},
                {"argv": ["true"], "timeout_seconds": "60"},
                {"argv": ["true"], "timeout_seconds": 10**400},
            ]
        ),
    ],
)
def test_what_is_no_command_is_refused_in_one_line(task: bytes) -> None:
    with pytest.raises(InvalidTask, match=r"^not a command task: [^\n]+$"):
        load_command(task)


def test_a_command_that_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(InvalidTask):
        dump_command(CommandTask(["true"], cwd="relative"))
