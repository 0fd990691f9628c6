"""The reader of plain command lines says what argparse says, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoolq.cli import plain
from spoolq.cli.main import COMMANDS, table_of
from spoolq.cli.options import UsageError
from spoolq.cli.parser import parsed, parser_for

VALUES = [
    *("5", "0", "1.5h", "15m", "a", "a=b", "a=", "=b", "FILE", "-", "", "--", "-1", "-1.5", "a b"),
    *("-a b", "--a b", "é", "\udcff", "ready", "done", "off", "capture", "1-3", "--x", "-x", "- "),
    *("-h", "--help", "-s", "-sx", "--spool=", "--json=", "--json=1", "-0x", "-0-0", "\n", "@file"),
]
TABLES = {command: table_of(command)[1] for command in COMMANDS}
PARSERS = {command: parser_for(table) for command, table in TABLES.items()}


def words_of(command: str) -> st.SearchStrategy[tuple[str, list[str]]]:
    """Command lines made of the command's own flags, whole, cut short or joined, and of values."""
    flags = [flag for entry in TABLES[command].entries for flag in entry.flags if flag[0] == "-"]
    value, flag = st.sampled_from(VALUES), st.sampled_from(flags)
    word = st.one_of(
        value,
        flag,
        flag,
        st.builds("{}={}".format, flag, value),
        st.builds(str.__add__, flag, value),
        st.builds(lambda text, most: text[:most], flag, st.integers(1, 9)),
    )
    return st.tuples(st.just(command), st.lists(word, max_size=6))


@given(st.sampled_from(list(COMMANDS)).flatmap(words_of))
@settings(max_examples=300, deadline=None)
def test_what_is_read_plainly_is_what_argparse_reads(line: tuple[str, list[str]]) -> None:
    command, words = line
    found = plain.read(TABLES[command], list(words))
    if found is not None:
        expected = parsed(PARSERS[command], list(words))  # neither an error nor help
        assert typed(vars(found)) == typed(vars(expected))


def typed(values: dict[str, object]) -> dict[str, str]:
    """The values with their types: 1 is not True, nor 1.0."""
    return {name: f"{type(value)} {value!r}" for name, value in values.items()}


@pytest.mark.parametrize(
    "words",
    [
        "put", "put FILE", "put a b c", "put -", "put --lines --priority 2", "put -0 --json FILE",
        "put FILE --delay=15m --header a=b --header c=d", "put --key k --timeout 5s FILE -s DIR",
        "get", "get --json", "get --wait --output FILE", "get --timeout 30s --spool=DIR",
        "done LEASE", "done LEASE LEASE --json", "fail LEASE --reason broken", "fail --no-retry LEASE",
        "release LEASE", "extend LEASE", "extend --json LEASE", "status", "status --json",
        "ls", "ls ready done", "ls --json failed", "submit echo x", "submit -- echo --x",
        "submit --priority 2 -- make", "wait", "wait --all --timeout 5m", "cancel ID ID", "show ID",
        "retry ID", "pause", "resume", "reap", "prune --older-than 1d", "work -- ./task --x",
    ],
)  # fmt: skip
def test_what_scripts_write_needs_no_argparse(words: str) -> None:
    command, *rest = words.split()
    table = table_of(command)[1]
    found = plain.read(table, rest)
    assert found is not None
    assert typed(vars(found)) == typed(vars(parsed(parser_for(table), rest)))


@pytest.mark.parametrize(
    "words",
    [
        "put --help", "put --prio 2", "put --priority", "put --priority 10", "put --lines --null",
        "put --nonsense", "put --priority -1", "put --json=1", "done", "status x y", "get FILE",
        "get -- FILE", "get -sDIR",
    ],
)  # fmt: skip
def test_help_mistakes_and_rarities_are_left_to_argparse(words: str) -> None:
    command, *rest = words.split()
    assert plain.read(table_of(command)[1], rest) is None


def test_a_table_of_more_than_the_reader_knows_is_left_to_argparse() -> None:
    for flags, keywords in [
        (("--count",), {"action": "count"}),
        (("--pair",), {"nargs": 2}),
        (("--must",), {"required": True}),
        (("second",), {}),
    ]:
        table = table_of("done")[1]
        table.add_argument(*flags, **keywords)
        words = ["LEASE", *(["--pair", "1"] if "--pair" in flags else [])]
        assert plain.read(table, words) is None
    table = table_of("put")[1]
    table.add_mutually_exclusive_group(required=True).add_argument("--a", action="store_true")
    assert plain.read(table, ["FILE"]) is None


def test_a_mistake_is_told_as_before() -> None:
    table = table_of("put")[1]
    with pytest.raises(UsageError, match="argument --priority: '10' is no whole number"):
        parsed(parser_for(table), ["--priority", "10"])
