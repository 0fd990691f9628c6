"""The tryout keeps its word: awkward files, inputs that are none, and verdicts that can fail."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tryout import figures, files
from tryout.verdict import Outcome

if TYPE_CHECKING:
    from spoolq import Spool

PROGRAM = Path(__file__).resolve().parent


def tryout(*arguments: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_awkward_files_are_worked_on_and_a_killed_workers_tasks_come_again(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "good.py").write_text("import os\n\ndef f():\n    pass\n")
    (source / "broken.py").write_text("def f(:\n")
    (source / "new\nline").write_bytes(b"\0\xff")
    (source / os.fsdecode(b"not-utf8-\xff.py")).write_bytes(b"x = 1\n")
    (source / "empty").touch()
    (source / "forbidden").write_text("secret")
    (source / "forbidden").chmod(0)
    (source / "loop").symlink_to(source / "loop")
    os.mkfifo(source / "fifo")
    ended = tryout(source, "--spool", tmp_path / "spool")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    table = {
        row[2:28].strip(): row[28:].strip() for row in ended.stdout.splitlines() if row[:2] == "  "
    }
    assert table["tasks"] == "6"
    assert (table["lost"], table["wrong"], table["done twice"]) == ("0", "0", "0")
    assert (
        int(table["redelivered"].partition(",")[0]) >= int(table["held by the killed worker"]) >= 1
    )
    assert len(list((tmp_path / "spool" / "done").glob("*.result"))) == 6


@pytest.mark.parametrize("what", ["missing", "file", "empty"])
def test_a_directory_without_files_is_one_clear_line(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    ended = tryout(tmp_path / what)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"tryout: {tmp_path / what}: ")
    assert ended.stderr.count("\n") == 1


def test_figures_are_of_the_files_content(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_bytes(b"import os\nclass C:\n    def f(self): pass\n")
    computed = figures.of(os.fsencode(path))
    assert (computed["bytes"], computed["lines"]) == (41, 3)
    assert computed["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {name: computed["tree"][name] for name in ("functions", "classes", "imports")} == {
        "functions": 1,
        "classes": 1,
        "imports": 1,
    }
    assert figures.of(os.fsencode(tmp_path / "none")) == {"unreadable": "No such file or directory"}


def test_the_library_is_a_good_number_of_sources() -> None:
    directory, paths = files.of_the_library()
    assert len(paths) > 300
    assert all(path.startswith(os.fsencode(directory)) for path in paths)
    assert not any(b"site-packages" in path for path in paths)


def test_each_way_to_fail_is_told(spool: Spool) -> None:
    lost, wrong, right = spool.publish_many([b"lost", b"wrong", b"right"])
    spool.cancel(lost)
    for job in spool.get_jobs(2, timeout=0):
        job.done(json.dumps({"worker": "x", "attempt": 1, "figures": {"bytes": 1}}).encode())
    outcome = Outcome("victim", {lost: b"", wrong: b"", right: b""})
    outcome.compare(spool, lost, {"bytes": 1})
    outcome.compare(spool, wrong, {"bytes": 2})
    outcome.compare(spool, right, {"bytes": 1})
    outcome.done(right, "x")
    outcome.done(right, "y")
    assert list(outcome.failings()) == [
        "the killed worker held no work",
        f"1 lost: {lost}",
        f"1 wrong: {wrong}",
        f"1 done twice: {right}",
        "1 ended without a worker having done them",
    ]
    outcome.held = [right]
    assert "1 of the killed worker's tasks were not given out again" in list(outcome.failings())
