"""Any bytes as tasks of `put` and lines of `submit --array`: all arrives, or one line says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import tally
from support.fuzzing import fine, run
from support.spools import census, names

from spoolq import Spool

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = {"--lines": b"\n", "--null": b"\0"}
BYTES = st.lists(
    st.binary(max_size=12)
    | st.sampled_from([b"\n", b"\0", b"\r\n", b"\xff", b"{}", b"\n\n", b"a" * 70000])
).map(b"".join)  # fmt: skip
fuzzed = settings(suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzz") / "spool"
    Spool.create(made, durability="off").close()
    return made


def emptied(path: Path) -> list[bytes]:
    """The tasks that wait, in order; none waits afterwards."""
    tasks = []
    with Spool(path) as spool:
        while jobs := spool.get_jobs(100, timeout=0):
            for job in jobs:
                tasks.append(job.task)
                job.done()
        spool.prune(0)
    return tasks


@pytest.mark.guarantee("I6")
@pytest.mark.timeout(0)
@fuzzed
@given(st.sampled_from(sorted(ENDINGS)), BYTES)
def test_records_of_standard_input_are_the_tasks(path: Path, how: str, given: bytes) -> None:
    ran = run(path, "put", how, stdin=given)
    fine(ran, how)
    ending = ENDINGS[how]
    expected = given.removesuffix(ending).split(ending) if given else []
    assert ran.status == 0
    assert len(ran.lines) == len(expected)
    assert emptied(path) == expected
    tally.add("batches fuzzed", 1)


@pytest.mark.timeout(0)
@fuzzed
@given(BYTES)
@example(b"\xff\xfe\n\x1b[2J\n")
def test_lines_of_an_array_are_all_submitted_or_none(path: Path, given: bytes) -> None:
    ran = run(path, "submit", "--array", "-", "--", "echo", "{}", stdin=given)
    fine(ran, "submit")
    tasks = emptied(path)
    assert len(tasks) == (len(ran.lines) if ran.status == 0 else 0)
    for task in tasks:
        assert isinstance(json.loads(task), dict)
    tally.add("batches fuzzed", 1)


@pytest.mark.timeout(0)
@fuzzed
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=300))
def test_any_texts_as_headers_keys_and_reasons(
    path: Path, name: str, value: str, text: str
) -> None:
    before = census(path)
    words = ["--header", f"{name}={value}", "--key", text]
    ran = run(path, "put", *words, stdin=b"x")
    fine(ran, words)
    assert ran.status == 0 or (census(path) == before and names(path, "sys/tmp") == [])
    if ran.status == 0:
        got = run(path, "get", "--json")
        fine(
            run(path, "fail", got.objects[0]["name"], "--reason", value), value
        ) if got.status == 0 else None
    emptied(path)
