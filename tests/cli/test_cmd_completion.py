"""Completion of command lines, in the shells themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import environment
from support.terminals import Terminal, tmux_or_skip
from support.waits import eventually

import spoolq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq import Spool

pytestmark = pytest.mark.timeout(400)
PLACE = Path(spoolq.__file__).parent / "cli" / "completion"
ASK_BASH = """
source "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_spoolq
printf '%s\\n' "${COMPREPLY[@]}"
"""


def need(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed; .ci/run installs it where it can")
    return found


def in_bash(spool: Spool, *words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    ended = subprocess.run(
        [need("bash"), "--norc", "-c", ASK_BASH, str(PLACE / "spoolq.bash"), *words],
        capture_output=True,
        text=True,
        check=True,
        env=environment(SPOOLQ_DIR=spool.path),
    )
    assert ended.stderr == ""
    return sorted(ended.stdout.split())


def in_fish(spool: Spool, *words: str) -> list[str]:
    """The same of fish."""
    script = f"source '{PLACE / 'spoolq.fish'}'; complete -C $argv[1]"
    ended = subprocess.run(
        [need("fish"), "--no-config", "-c", script, " ".join(words)],
        capture_output=True,
        text=True,
        check=True,
        env=environment(SPOOLQ_DIR=spool.path, HOME=str(Path(spool.path).parent)),
    )
    assert ended.stderr == ""
    return sorted(line.partition("\t")[0] for line in ended.stdout.splitlines())


@pytest.fixture
def ids(spool: Spool) -> dict[str, str]:
    """A job in each state, and the name of the leased one."""
    found = {state: spool.publish(b"") for state in ("leased", "done", "failed")}
    leased, done, failed = spool.get_jobs(3, 0)
    done.done(b"with a record")
    failed.fail("x", retry=False)
    found["name"] = leased.name
    found["delayed"] = spool.publish(b"", delay=3600)
    found["ready"] = spool.publish(b"", headers={"a": "b"})
    (Path(spool.path) / "ready" / "notes; rm -rf $HOME").touch()
    return found


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_commands_options_and_words(ask: Callable[..., list[str]], spool: Spool) -> None:
    assert ask(spool, "spoolq", "st") == ["status", "stop"]
    assert ask(spool, "spoolq", "ls", "--so") == ["--sort"]
    assert ask(spool, "spoolq", "ls", "--sort", "d") == ["due"]
    assert ask(spool, "spool-ls", "--sort", "d") == ["due"]
    assert ask(spool, "spoolq", "-s", spool.path, "completion", "z") == ["zsh"]


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_ids_and_leases_of_the_spool_and_nothing_foreign(
    ask: Callable[..., list[str]], spool: Spool, ids: dict[str, str]
) -> None:
    states = ("leased", "done", "failed", "delayed", "ready")
    assert ask(spool, "spoolq", "show", "") == sorted(ids[state] for state in states)
    assert ask(spool, "spoolq", "show", ids["ready"][:-3]) == [ids["ready"]]
    assert ask(spool, "spool-done", "") == [ids["name"]]


def test_files_and_directories(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "page.pdf").touch()
    (tmp_path / "pages").mkdir()
    start = str(tmp_path / "pa")
    assert in_bash(spool, "spoolq", "put", start) == [f"{start}ge.pdf", f"{start}ges"]
    assert in_bash(spool, "spoolq", "-s", start) == [f"{start}ges"]
    assert in_bash(spool, "spoolq", "put", "--priority", "") == []


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "spoolq.bash"), ("zsh", "_spoolq"), ("fish", "spoolq.fish")]
)
def test_the_command_prints_what_is_shipped(cli: Callable, shell: str, file: str) -> None:
    assert cli("completion", shell).good().out == (PLACE / file).read_text()


def test_another_shell_is_wrong_usage(cli: Callable) -> None:
    ran = cli("completion", "csh")
    assert "argument SHELL: invalid choice: 'csh'" in ran.bad(2)
    assert ran.out == ""


INTERACTIVE = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
SET_UP = {
    "bash": f". '{PLACE / 'spoolq.bash'}'; bind 'set bell-style none'",
    "zsh": f"autoload -Uz compinit; compinit -D -u; . '{PLACE / '_spoolq'}'",
}


@pytest.fixture(params=list(INTERACTIVE))
def prompt(
    request: pytest.FixtureRequest, spool: Spool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    """An interactive shell that has read the script."""
    shell = request.param
    need(shell)
    tmux_or_skip()
    env = environment(SPOOLQ_DIR=spool.path, PS1="> ", LC_ALL="C.UTF-8", TERM="xterm-256color")
    env.pop("TMUX", None)
    opened = Terminal(Path(str(tmp_path_factory.mktemp("t"))), list(INTERACTIVE[shell]), env)
    opened.text(f"{SET_UP[shell]}; clear; echo is''set")
    opened.keys("Enter")
    try:
        eventually(lambda: "isset" in opened.screen(), seconds=60)
        yield opened
    finally:
        opened.close()


def test_a_tab_in_a_real_shell(prompt: Terminal, spool: Spool, ids: dict[str, str]) -> None:
    prompt.text("spoolq stat")
    prompt.keys("Tab")
    eventually(lambda: "spoolq status" in prompt.screen(), seconds=60)
    prompt.text("--ch")
    prompt.keys("Tab")
    eventually(lambda: "spoolq status --check" in prompt.screen(), seconds=60)
    prompt.keys("C-u")
    prompt.text(f"spool-show {ids['ready'][:-3]}")
    prompt.keys("Tab")
    eventually(lambda: f"spool-show {ids['ready']}" in prompt.screen(), seconds=60)
