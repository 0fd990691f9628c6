"""`tests/suite.py`, which `bin/test` runs: many parts, one outcome, nothing hidden or left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.waits import eventually
from support.working import is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parents[1]
RUN = """
import sys
sys.path.insert(0, "tests")
import suite
sys.exit(suite.main({"that compute": ["tests/hard"]}, ["tests/slow"]))
"""


class Tree:
    """A small checkout: `tests/slow` waits and `tests/hard` computes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "tests").mkdir()
        for name in ("suite.py", "conftest.py"):
            shutil.copy(TESTS / name, root / "tests")
        (root / "tests/support").symlink_to(TESTS / "support")
        shutil.copy(TESTS.parent / "pyproject.toml", root)
        self.process: subprocess.Popen[str] | None = None

    def test(self, part: str, text: str) -> None:
        """Add tests to a part."""
        (self.root / "tests" / part).mkdir()
        (self.root / "tests" / part / f"test_{part}.py").write_text(text)

    def start(self) -> subprocess.Popen[str]:
        """Run the suite."""
        env = os.environ | {"TOLD": str(self.root)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN], cwd=self.root, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return self.process

    def pid_of(self, part: str) -> int:
        """The pytest of a part, once its test has told it."""
        file = self.root / f"{part}.pid"
        return int(eventually(lambda: file.exists() and file.read_text(), 60, f"{part} runs"))


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    made = Tree(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:  # the test has failed
        made.process.send_signal(signal.SIGTERM)
        made.process.send_signal(signal.SIGINT)
        made.process.communicate(timeout=60)


COUNTS = "from support import tally\ndef test_it():\n    tally.fault('crashes', {})\n"
FAILS = "def test_wrong():\n    assert 'planted' == 'found'\n"
# In one step, as it is waited for.
TELLS = """
import os, signal, time
def test_until_interrupted():
    {}
    file = os.path.join(os.environ["TOLD"], "{}.pid")
    with open(file + "~", "w") as told:
        told.write(str(os.getpid()))
    os.rename(file + "~", file)
    while True:
        time.sleep(0.05)
"""


def test_what_both_have_counted_is_added_up_and_a_failure_fails_it_all(tree: Tree) -> None:
    tree.test("slow", COUNTS.format(300))
    tree.test("hard", COUNTS.format(40) + FAILS)
    said, _ = (process := tree.start()).communicate(timeout=60)
    assert process.returncode == 1, said
    assert "assert 'planted' == 'found'" in said
    assert said.count("injected faults") == 1
    end = said[said.index("the whole suite") :]
    assert "340  injected faults in all" in end
    assert "2 passed, 1 failed" in end
    assert "NOT PASSED: the tests that compute, exit status 1" in end
    assert end.count("NOT PASSED") == 1
    failed = json.loads((tree.root / ".pytest_cache/v/cache/lastfailed").read_text())
    assert list(failed) == ["tests/hard/test_hard.py::test_wrong"]


def test_an_interrupt_ends_both_parts_in_order(tree: Tree) -> None:
    for part in ("slow", "hard"):
        tree.test(part, TELLS.format("pass", part))
    process = tree.start()
    pids = [tree.pid_of(part) for part in ("slow", "hard")]
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert said.count("KeyboardInterrupt") >= 2
    assert not any(map(is_alive, pids))


def test_the_second_signal_kills_what_does_not_end(tree: Tree) -> None:
    for part in ("slow", "hard"):
        tree.test(part, TELLS.format("signal.signal(signal.SIGINT, signal.SIG_IGN)", part))
    process = tree.start()
    pids = [tree.pid_of(part) for part in ("slow", "hard")]
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)  # another one: the same twice may come as one
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL, said
    assert not any(map(is_alive, pids))
