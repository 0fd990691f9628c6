"""docs/reference/json-output.md tells exactly the keys that commands print."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spoolq.cli.main import main
from spoolq.queue import internals
from spoolq.rules.names import LogName
from spoolq.verbs import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spoolq import Spool

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "json-output.md"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def documented() -> dict[str, dict[str, Any]]:
    """Command -> the example object in its section."""
    text = PAGE.read_text(encoding="utf-8")
    sections = re.findall(r"^### (\w+)\n(.*?)```json\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return {command: json.loads(example) for command, _, example in sections}


@pytest.fixture
def printed(
    spool: Spool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Run a command with --json; the one object that it printed."""
    monkeypatch.setenv("SPOOLQ_DIR", spool.path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"task")))

    def run(*given: str, expected: int = 0, words: Sequence[str] = ()) -> dict[str, Any]:
        assert main([*given, "--json", *words]) == expected
        found = json.loads(capsys.readouterr().out)
        assert isinstance(found, dict)
        return found

    return run


def a_life(printed: Callable, spool: Spool, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Command -> what it printed, over the lives of a few jobs."""
    told = {"init": printed("init", str(tmp_path / "new")), "put": printed("put")}
    told["get"] = printed("get")
    log = LogName(told["get"]["id"], 1, told["get"]["lease"], "out")
    (Path(spool.path) / "logs" / str(log)).write_text("printed\n")
    told["logs"] = printed("logs", told["get"]["id"])
    told["show"] = printed("show", told["get"]["id"])
    told["explain"] = printed("explain", told["get"]["id"])
    told["extend"] = printed("extend", told["get"]["name"])
    told["release"] = printed("release", told["extend"]["name"])
    told["ls"] = printed("ls")
    told["fail"] = printed("fail", "--no-retry", printed("get")["name"])
    told["wait"] = printed("wait", told["put"]["id"], expected=6)
    told["retry"] = printed("retry", "--failed")
    told["done"] = printed("done", printed("get")["name"])
    told["slurm"] = printed("slurm", words=["--", "--commands"])
    told["submit"] = printed("submit", words=["--", "true"])
    spool.get_job(0).done()
    told["cancel"] = printed("cancel", spool.publish(b""))
    workers.tell(internals(spool), "a-1-B", 1, {"at": "2999-01-01T00:00:00Z", "every_seconds": 10})
    told["stop"] = printed("stop")
    for command in ("pause", "resume", "reap", "prune", "status"):
        told[command] = printed(command)
    told["archive"] = printed("archive")
    told["bench"] = printed("bench", "--quick", "--only", "idle", str(tmp_path))
    told["report"] = printed("report", "--output", str(tmp_path / "report.html"))
    (Path(spool.path) / "ready" / "notes.txt").touch()
    told["doctor"] = printed("doctor", expected=1)
    return told


def test_every_command_prints_the_documented_keys(
    printed: Callable, spool: Spool, tmp_path: Path
) -> None:
    told = a_life(printed, spool, tmp_path)
    examples = documented()
    for command, values in told.items():
        assert list(values) == list(examples[command]), command
        for key, example in examples[command].items():
            if isinstance(example, str) and TIME.fullmatch(example) and values[key] is not None:
                assert TIME.fullmatch(values[key]), (command, key)
            if isinstance(example, bool):
                assert isinstance(values[key], bool), (command, key)
    assert set(told) == set(examples)
