"""docs/protocol.md: its examples are read by the real rules, its tree is a real spool's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from spoolq import Spool
from spoolq.queue import internals
from spoolq.rules import archives, crew, journal, names, records, settings
from spoolq.worker import presence
from spoolq.worker.listener import Counts

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text()


def example(kind: str) -> bytes:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found).encode()


def names_in(where: str) -> list[str]:
    rows = re.findall(rf"^\| {re.escape(where)} \|.*\| `([^`]+)` \|$", PAGE, re.MULTILINE)
    assert rows, where
    return [str(row) for row in rows]


def test_tree_is_that_of_a_new_spool(tmp_path: Path) -> None:
    Spool.create(tmp_path / "spool")
    found = [
        f"{path.relative_to(tmp_path / 'spool')}{'/' if path.is_dir() else ''}"
        for path in (tmp_path / "spool").rglob("*")
    ]
    assert sorted(example("tree").decode().split()) == sorted(found)


def test_settings_are_the_defaults_of_a_new_spool() -> None:
    assert settings.from_mapping(json.loads(example("settings"))) == settings.Settings()
    assert example("settings") == settings.to_text(settings.Settings())


def test_sidecar_is_read_and_written_as_shown() -> None:
    lease = records.load_lease("alpha-4711-ABCDEFGH22", example("lease"))
    assert lease is not None
    assert records.dump_lease(lease) == example("lease")


def test_options_are_read_and_written_as_shown() -> None:
    assert records.dump_meta(records.load_meta(example("meta"))) == example("meta")


def test_end_event_and_key_are_records() -> None:
    end, event, key = (records.load(example(kind)) for kind in ("end", "event", "key"))
    assert end is not None
    assert records.is_end_record(end, end["id"], "failed")
    assert event is not None
    assert records.from_iso(event["at"]) is not None
    assert key is not None
    assert names.has_options(key["id"])


def test_journal_is_read_and_written_as_shown() -> None:
    first, *lines = example("journal").splitlines(keepends=True)
    assert journal.first_line("alpha-4711").encode() == first
    for line in lines:
        told = journal.parse(line, "alpha-4711")
        assert told is not None
        assert journal.lines([told], "alpha-4711").encode() == line


def test_line_of_an_archive_is_read_and_written_as_shown() -> None:
    line = example("archive")
    values = archives.find_line(line, "5-20261124T093000000000-K3QZ7M2A")
    assert values is not None
    assert archives.line(values) == line
    assert archives.unpacked(values, "task") == b"page 17"
    assert archives.unpacked(values, "result") == b"\xff\x00"


def test_worker_is_read_as_shown_and_written_so(tmp_path: Path) -> None:
    shown = json.loads(example("worker"))
    worker = crew.worker_of(shown["worker"], shown)
    assert worker is not None
    assert (worker.pid, worker.slots, worker.running[0].attempt) == (4711, 2, 3)
    assert set(json.loads(example("stop"))) == {"now", "at", "by"}
    spool = Spool.create(tmp_path / "spool")
    presence.Presence(internals(spool), 1, pytest.fail).beat(Counts(), [], draining=False)
    (path,) = Path(spool.path, "sys/workers").iterdir()
    assert set(json.loads(path.read_text())) == set(shown)


@pytest.mark.parametrize(
    ("where", "parse"),
    [
        ("an id", names.parse_ready),
        ("ready/", names.parse_ready),
        ("leased/", lambda name: names.parse_leased(name) or names.parse_sidecar(name)),
        ("delayed/", names.parse_delayed),
        ("done/", names.parse_ended),
        ("failed/", names.parse_ended),
        ("sys/tmp/", names.parse_draft),
        ("sys/meta/", lambda name: names.is_job_id(name) and names.has_options(name)),
        ("sys/history/", names.parse_history),
        ("sys/keys/", names.is_key),
        ("sys/journal/", names.parse_journal),
        ("sys/workers/", lambda name: names.parse_worker(name) or names.parse_stop(name)),
        ("logs/", names.parse_log),
    ],
)
def test_every_example_name_is_of_the_grammar(where: str, parse: object) -> None:
    for name in names_in(where):
        assert parse(name), name  # type: ignore[operator]


@pytest.mark.parametrize("number", [f"I{n}" for n in range(1, 9)])
def test_every_guarantee_is_named_and_held_by_a_test(number: str) -> None:
    assert f"**{number}**" in PAGE
    marked = re.compile(rf"guarantee\([^)]*\"{number}\"")
    tests = [
        path for path in (ROOT / "tests").rglob("test_*.py") if marked.search(path.read_text())
    ]
    assert tests, f"no test protects {number}"
