"""The scripts in bin/, in checkouts of every condition: links, no Python, an old one, no network.

Pythons that fail in some way are played by small shell scripts, so that nothing is installed here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cat", "cmp", "sed", "tail", "readlink", "flock", "mkdir", "cp", "rm", "head")


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without .venv, in a directory with a space in its name."""
    checkout = tmp_path / "check out"
    checkout.mkdir()
    shutil.copytree(ROOT / "bin", checkout / "bin")
    shutil.copy(ROOT / "setup.cfg", checkout)
    (checkout / "spoolq").symlink_to(ROOT / "spoolq")
    return checkout


@pytest.fixture
def ready(checkout: Path) -> Path:
    """The checkout with a .venv whose Python is the one that runs the tests."""
    script(checkout / ".venv/bin/python", f"exec '{sys.executable}' \"$@\"")
    return checkout


class Box:
    """A PATH with a few tools and only the Pythons put there; runs scripts, apart from ours."""

    def __init__(self, where: Path) -> None:
        self.where = where
        where.mkdir()
        for tool in TOOLS:
            if found := shutil.which(tool):
                (where / tool).symlink_to(found)
        self.env = {"PATH": str(where), "HOME": str(where), "LC_ALL": "C.UTF-8"}

    def python3(self, text: str, name: str = "python3") -> None:
        script(self.where / name, text)

    def run(
        self, *words: str | Path, cwd: Path | None = None, stdin: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=cwd, input=stdin, env=self.env | env, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


def assert_one_line(ended: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert ended.returncode == 1, ended
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert [part for part in parts if part not in ended.stderr] == [], ended.stderr


# ----- wrappers


def test_a_task_goes_in_and_out_through_wrappers(ready: Path, box: Box, tmp_path: Path) -> None:
    dirs = {"SPOOLQ_DIR": str(tmp_path / "a spool")}
    bin_ = ready / "bin"
    assert box.run(bin_ / "spool-init", **dirs).returncode == 0
    put = box.run(bin_ / "spool-put", stdin="hello", **dirs)
    assert put.returncode == 0, put.stderr
    assert (tmp_path / "a spool/ready" / put.stdout.strip()).read_text() == "hello"
    assert put.stdout.strip() in box.run(bin_ / "spool-ls", "ready", **dirs).stdout
    got = box.run(bin_ / "spool-get", "--timeout", "0", **dirs)
    assert box.run(bin_ / "spool-done", got.stdout.strip(), **dirs).returncode == 0
    assert box.run(bin_ / "spool-get", "--timeout", "0", **dirs).returncode == 3


def test_a_wrapper_is_found_through_links_path_and_its_bare_name(
    ready: Path, box: Box, tmp_path: Path
) -> None:
    wanted = box.run(ready / "bin/spoolq", "put", "--help")
    assert wanted.returncode == 0, wanted.stderr
    links = tmp_path / "links"
    links.mkdir()
    (links / "direct").symlink_to(os.path.relpath(ready / "bin/spool-put", links))
    (links / "again").symlink_to("direct")
    (links / "spoolq").symlink_to(ready / "bin/spoolq")
    path = f"{ready / 'bin'}:{box.where}"
    ways = {
        "link": box.run(links / "direct", "--help"),
        "link to a link": box.run(links / "again", "--help"),
        "link to spoolq": box.run(links / "spoolq", "put", "--help"),
        "by PATH": box.run("sh", "-c", "spool-put --help", PATH=path),
        "by sh and a bare name": box.run("sh", "spool-put", "--help", cwd=ready / "bin"),
        "by an empty PATH entry": box.run(
            "sh", "-c", "spool-put --help", cwd=ready / "bin", PATH=f":{box.where}"
        ),
        "relative": box.run("sh", "-c", "bin/spool-put --help", cwd=ready),
    }
    assert {way: ended.stderr for way, ended in ways.items() if ended.stdout != wanted.stdout} == {}


def test_nothing_in_the_current_directory_is_imported(
    ready: Path, box: Box, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    (trap / "spoolq").mkdir(parents=True)
    for name in ("spoolq/__init__.py", "json.py", "argparse.py", "os.py", "importlib.py"):
        (trap / name).write_text("raise SystemExit('imported what lay about')\n")
    ended = box.run(ready / "bin/spoolq", "put", "--help", cwd=trap)
    assert ended.returncode == 0, ended.stderr


def test_a_checkout_without_venv_takes_a_python3_that_will_do(checkout: Path, box: Box) -> None:
    box.python3(f"exec '{sys.executable}' \"$@\"")
    ended = box.run(checkout / "bin/spoolq", "--version")
    assert (ended.returncode, ended.stdout[:7]) == (0, "spoolq "), ended.stderr


def test_spoolq_says_in_one_line_which_python_it_misses(checkout: Path, box: Box) -> None:
    assert_one_line(box.run(checkout / "bin/spool-ls"), "no python3", "3.11", "bin/setup")
    box.python3(f"exec '{sys.executable}' -S \"$@\"")
    missing = box.run(checkout / "bin/spool-ls")
    assert_one_line(missing, "filelock and watchdog", f"{checkout}/bin/setup")
    old = 'code=$2; shift 2; exec \'%s\' -c "import sys; sys.version_info = (3, 9, 2)$code" "$@"'
    box.python3(old % sys.executable)
    assert_one_line(box.run(checkout / "bin/spool-ls"), "3.11 or newer", "3.9", "bin/setup")


def blocks(language: str) -> list[str]:
    """The code blocks of README in this language."""
    readme = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)


def test_readmes_library_example_runs(box: Box, tmp_path: Path) -> None:
    (block,) = blocks("python")
    ended = box.run(sys.executable, "-c", block.replace("/shared/", f"{tmp_path}/"), cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert "b'ANY BYTES'" in ended.stdout


def test_readmes_shell_example_runs(ready: Path, box: Box, tmp_path: Path) -> None:
    (block,) = blocks("sh")
    (ready / "input").write_text("from README")
    script(ready / "process", "cat > /dev/null")
    ended = box.run("sh", "-eu", "-c", block.replace("/shared/", f"{tmp_path}/"), cwd=ready)
    assert ended.returncode == 0, ended.stderr
    assert (ready / "task").read_text() == "from README"


# ----- set-up

FAKE_VENV_PYTHON = """\
case "$*" in
    *"pip install"*)
        echo "$*" >> "$0.calls"
        [ -z "$OFFLINE" ] || { echo "  ERROR: No matching distribution found for pytest"; exit 1; } ;;
    "tests/suite.py") printf 'the whole suite in %s' "$PWD" ;;
    "-m pytest"*) shift 2; printf 'pytest in %s:' "$PWD"; printf ' <%s>' "$@" ;;
esac
"""


def fake_base_python(text: str = "") -> str:
    """A python3 of the tests' version that "makes" a .venv with FAKE_VENV_PYTHON in it."""
    return f"""\
{text}
case "$*" in
    *"-m venv"*)
        rm -rf "$4"; mkdir -p "$4/bin"; cp "${{0%/*}}/fake" "$4/bin/python"
        echo made >> "${{0%/*}}/made" ;;
    *) exec '{sys.executable}' "$@" ;;
esac
"""


@pytest.fixture
def fakes(box: Box) -> Box:
    script(box.where / "fake", FAKE_VENV_PYTHON)
    box.python3(fake_base_python())
    return box


def installs(checkout: Path) -> int:
    return len((checkout / ".venv/bin/python.calls").read_text().splitlines())


@pytest.mark.parametrize("command", ["setup", "test", "tryout"])
def test_no_python_or_an_old_one_or_one_without_venv_is_one_line(
    checkout: Path, box: Box, command: str
) -> None:
    run = checkout / "bin" / command
    assert_one_line(box.run(run), "no python3", "apt install python3 python3-venv")
    box.python3('case "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac')
    assert_one_line(box.run(run), "3.11 or newer", "python3 is 3.9", "PYTHON=")
    box.python3(fake_base_python('case "$*" in *ensurepip*) exit 1 ;; esac'))
    assert_one_line(box.run(run), "apt install python3-venv")
    assert not (checkout / ".venv").exists()


def test_a_newer_python_beside_an_old_python3_is_taken(checkout: Path, fakes: Box) -> None:
    fakes.python3('case "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac')
    fakes.python3(fake_base_python(), "python3.12")
    ended = fakes.run(checkout / "bin/setup")
    assert ended.returncode == 0, ended.stderr
    assert installs(checkout) == 1


def test_set_up_is_done_once_and_again_when_setup_cfg_changes(checkout: Path, fakes: Box) -> None:
    run = checkout / "bin/setup"
    assert fakes.run(run, "test").returncode == 0
    again = [fakes.run(run, "test"), fakes.run(run, "core"), fakes.run(run)]
    assert [(ended.returncode, ended.stdout + ended.stderr) for ended in again] == [(0, "")] * 3
    assert installs(checkout) == 1
    with (checkout / "setup.cfg").open("a") as file:
        file.write("# changed\n")
    assert fakes.run(run).returncode == 0
    assert installs(checkout) == 2
    assert (fakes.where / "made").read_text() == "made\n"


def test_offline_is_one_line_and_the_next_try_goes_on(checkout: Path, fakes: Box) -> None:
    ended = fakes.run(checkout / "bin/test", OFFLINE="yes")
    assert ended.returncode == 1
    progress, told = ended.stderr.splitlines()
    assert progress.startswith("Setting up .venv")
    assert "offline" in told
    assert "No matching distribution found for pytest" in told
    assert fakes.run(checkout / "bin/test").returncode == 0
    assert (fakes.where / "made").read_text() == "made\n"


@pytest.mark.parametrize("half", ["empty", "dangling", "no pip", "no stamp"])
def test_a_half_made_venv_is_mended(checkout: Path, fakes: Box, half: str) -> None:
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    if half == "dangling":
        python.symlink_to("/nowhere/python3")
    elif half == "no pip":
        script(python, 'case "$*" in *pip*) exit 1 ;; esac')
    elif half == "no stamp":
        shutil.copy(fakes.where / "fake", python)
    ended = fakes.run(checkout / "bin/setup", "test")
    assert ended.returncode == 0, ended.stderr
    assert installs(checkout) == 1
    assert (fakes.where / "made").exists() == (half != "no stamp")
    assert fakes.run(checkout / "bin/setup", "test").stderr == ""


def test_arguments_of_bin_test_reach_pytest_in_the_checkout(
    checkout: Path, fakes: Box, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(checkout / "bin/test")
    ended = fakes.run(tmp_path / "link", "-k", "a or b", cwd=tmp_path)
    assert ended.stdout == f"pytest in {checkout}: <-k> <a or b>"
    ended = fakes.run(tmp_path / "link", cwd=tmp_path)
    assert ended.stdout == f"the whole suite in {checkout}"


def test_a_moved_checkout_is_set_up_anew(checkout: Path, fakes: Box, tmp_path: Path) -> None:
    assert fakes.run(checkout / "bin/setup").returncode == 0
    moved = checkout.rename(tmp_path / "elsewhere")
    assert fakes.run(moved / "bin/setup").returncode == 0
    assert installs(moved) == 2
