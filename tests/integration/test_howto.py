"""The how-to pages: their shell blocks run, page by page, and what they mention is there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import environment

from spoolq import Spool
from spoolq.cli.main import COMMANDS, parser_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
HOWTO = ROOT / "docs" / "howto"
PAGES = (
    "run-workers", "submit-commands", "read-logs", "stop-workers", "cancel", "retry-failed", "share",
    "slurm", "ssh", "parallel",
)  # fmt: skip
# Programs of other hosts: they do here what they would do there.
STAND_INS = {
    "ssh": 'shift; exec sh -c "$*"',
    "sbatch": "cat > submitted.sh; echo 4711",
}
PROMISED = {
    "run-workers": (":APPLE", ":BANANA", ":CHERRY"),
    "submit-commands": ("\nhello", "\nfound", "\na line: a", "\na line: b"),
    "read-logs": ("\nattempt 1", "\nattempt 2"),
    "slurm": ("4711",),
}
PATIENCE_SECONDS = 110


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in this language."""
    text = (HOWTO / f"{page}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Run a script as a reader would, with an empty spool; what it printed."""
    home = tmp_path / "home"
    home.mkdir()
    for name, text in {"README.md": "x", "setup.cfg": "y", "words.txt": "b\na\nb\n",
                       "haystack.txt": "a needle\n"}.items():  # fmt: skip
        (home / name).write_text(text)
    programs = tmp_path / "bin"
    programs.mkdir()
    stand_ins = STAND_INS | {"spoolq": f'exec "{sys.executable}" -m spoolq "$@"'}
    for name, text in stand_ins.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    settings = {"durability": "off", "retry_delay_seconds": 0.01, "lease_seconds": 10}
    Spool.create(tmp_path / "spool", **settings).close()
    path = f"{programs}:{os.environ['PATH']}"
    env = environment(SPOOLQ_DIR=f"{tmp_path}/spool", PATH=path, HOME=str(home))
    started: list[subprocess.Popen[str]] = []

    def run(script: str) -> str:
        process = subprocess.Popen(
            ["sh", "-eux", "-c", script], cwd=home, env=env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        started.append(process)
        try:
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as slow:
            raise AssertionError(f"still running: {slow.output}") from None
        assert process.returncode == 0, said
        return said

    yield run
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all of them have ended, as they should
        process.communicate()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_followed(run: Callable[[str], str], tmp_path: Path, page: str) -> None:
    if page == "parallel" and shutil.which("parallel") is None:
        pytest.skip("GNU parallel is not installed; .ci/run installs it")
    found = blocks(page, "sh")
    assert found
    said = run("\n".join(found))
    assert [line for line in PROMISED.get(page, ()) if f"{line}\n" not in said] == []
    with Spool(tmp_path / "spool") as spool:
        stats = spool.stats()
    assert (stats.leased, stats.failed) == (0, 0)


def test_crontab_lines_run(run: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "process").write_text('#!/bin/sh\ncat "$1"\n')
    (tmp_path / "bin" / "process").chmod(0o755)
    script = []
    for line in "".join(blocks("cron", "cron")).splitlines():
        *times, command = line.split(maxsplit=5)
        assert all(re.fullmatch(r"[\d*/]+", field) for field in times), line
        script.append(command.replace("\\%", "%"))
    assert len(script) == 4
    text = "\n".join(script)
    for word, here in {
        "/shared/spool": f"{tmp_path}/spool",
        "/etc/nightly.conf": "setup.cfg",
        "/tmp/spoolq-worker.lock": f"{tmp_path}/lock",
        "--until 06:00": "--until 06:00 --until-empty",
    }.items():
        assert word in text
        text = text.replace(word, here)
    run(text)
    with Spool(tmp_path / "spool") as spool:
        assert (spool.stats().done, spool.stats().ready) == (1, 0)


@pytest.mark.parametrize("page", sorted(path.stem for path in HOWTO.glob("*.md")))
def test_links_lead_somewhere(page: str) -> None:
    text = (HOWTO / f"{page}.md").read_text()
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [target for target in targets if not (HOWTO / target).exists()] == []
    mentioned = re.findall(r"`(contrib/[\w./-]+)", text)
    assert [path for path in mentioned if not (ROOT / path).exists()] == []


def test_the_pages_are_in_the_index() -> None:
    index = (HOWTO / "README.md").read_text()
    assert {f"{page}.md" for page in PAGES} <= set(re.findall(r"\]\(([\w-]+\.md)\)", index))


def mentioned() -> set[tuple[str, str, str]]:
    """Page, command and option, of what stands between backquotes in the pages' text."""
    found = set()
    for path in HOWTO.glob("*.md"):
        text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        for command, words in re.findall(r"`(?:srun )?(?:-n 20 )?spoolq (\w+)([^`]*)`", text):
            for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", words.partition(" -- ")[0]):
                found.add((path.stem, command, option))
    return found


def test_options_mentioned_in_passing_exist() -> None:
    known = {command: parser_of(command)[1]._option_string_actions for command in COMMANDS}
    wrong = [each for each in mentioned() if each[1] in known and each[2] not in known[each[1]]]
    assert wrong == []
    assert len(mentioned()) > 10
