"""What is installed is what is in bin/, and nothing of the machine it was written on is in it."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import spoolq

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "bin"
FOR_CHECKOUTS = {"spoolq", "setup", "bench", "tryout", "test", "test-nfs"}
WRAPPERS = sorted(path.name for path in BIN.iterdir() if path.name not in FOR_CHECKOUTS)


def setup_cfg() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read(ROOT / "setup.cfg")
    return parsed


def test_every_wrapper_is_installed() -> None:
    scripts = setup_cfg()["options"]["scripts"].split()
    assert sorted(scripts) == [f"bin/{name}" for name in WRAPPERS]


def test_versions_agree() -> None:
    version = setup_cfg()["metadata"]["version"]
    assert spoolq.__version__ == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_runs_the_verb_it_is_named_after(name: str) -> None:
    verb = name.removeprefix("spool-")
    assert os.access(BIN / name, os.X_OK)
    last = (BIN / name).read_text().splitlines()[-1].replace("'", "")
    assert last == f'exec "${{me%/*}}/spoolq" {verb} "$@"'


def test_all_scripts_are_sound_posix_shell() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed; .ci/run installs and runs it")
    found = subprocess.run(
        [shellcheck, *BIN.iterdir()], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")
    assert {path.read_text().partition("\n")[0] for path in BIN.iterdir()} == {"#!/bin/sh"}


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    trusted = ["-c", f"safe.directory={ROOT}"]  # the checkout may be another user's
    listed = subprocess.run(
        [git, *trusted, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


def test_no_path_of_a_developers_machine_is_in_the_repository() -> None:
    # Written so that it does not find itself.
    homes = re.compile(rb"(?<![\w.~-])/(?:home/[a-z]+|root/[.\w]+|work/[.\w]+|Users/[A-Za-z]+)/")
    files = [path for path in tracked_files() if path.is_file()]
    assert len(files) > 30
    found = {str(path.relative_to(ROOT)): homes.findall(path.read_bytes()) for path in files}
    assert {name: paths for name, paths in found.items() if paths} == {}
