"""`spoolq slurm`: the script, run by a shell, and handed to an sbatch that the test plays."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from spoolq.rules.batch import time_limit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spoolq import Spool


def options_of(script: str) -> list[str]:
    return re.findall(r"^#SBATCH (.*)$", script, re.MULTILINE)


def play(place: Path, **programs: str) -> str:
    """A PATH whose programs are these shell scripts first."""
    for name, text in programs.items():
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)
    return f"{place}:{os.environ['PATH']}"


def test_the_script_is_an_array_of_workers_of_this_spool(cli: Callable, spool: Spool) -> None:
    script = cli("slurm", "-n", "20", "--time", "4h", "--", "--commands").good().out
    assert options_of(script) == [
        "--job-name=spoolq",
        "--array=1-20",
        "--time=0-04:00:00",
        "--signal=B:TERM@60",
        "--requeue",
        "--open-mode=append",
    ]
    last = script.splitlines()[-1]
    assert last.startswith("exec /")
    assert f"work -s {spool.path} --drain=10s --idle-exit=120s --commands" in last


def test_what_the_user_says_comes_last_and_counts(cli: Callable) -> None:
    script = cli(
        "slurm", "--cpus", "4", "-o", "partition=a b", "-o", "exclusive", "--setup", "module load x",
        "--", "-j", "2", "--idle-exit=1h", "--drain", "5s", "--", "run", "it's",
    ).good().out  # fmt: skip
    assert options_of(script)[-2:] == ["'--partition=a b'", "--exclusive"]
    assert "--cpus-per-task=4" in options_of(script)
    *_, setup, last = script.splitlines()
    assert setup == "module load x"
    assert last.endswith(
        """--drain=10s --jobs=4 -j 2 --idle-exit=1h --drain 5s -- run 'it'"'"'s'"""
    )


@pytest.mark.parametrize("again", [(), ("--again",)])
def test_the_script_runs_the_worker(
    cli: Callable, spool: Spool, tmp_path: Path, again: tuple[str, ...]
) -> None:
    job_id = spool.publish(b"x")
    words = ("--until-empty", "--", "sh", "-c", "exit 3")
    script = cli("slurm", *again, "--", *words).good().out
    path = play(tmp_path, squeue="echo RUNNING", scontrol="touch ${0%/*}/requeued")
    ran = subprocess.run(
        ["sh"], input=script, env=os.environ | {"PATH": path}, text=True, check=False
    )
    assert ran.returncode == 6
    assert spool.get(job_id).status.name == "FAILED"
    assert not (tmp_path / "requeued").exists()  # nothing waits


@pytest.mark.parametrize(("state", "requeued"), [("RUNNING", True), ("COMPLETING", False)])
def test_again_goes_back_into_the_queue_while_work_waits(
    cli: Callable, spool: Spool, tmp_path: Path, state: str, requeued: bool
) -> None:
    spool.publish_many([b"1", b"2"])
    script = cli("slurm", "--again", "--", "--max-jobs", "1", "--", "true").good().out
    path = play(tmp_path, squeue=f"echo {state}", scontrol='echo "$@" > ${0%/*}/requeued')
    env = {"PATH": path, "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    subprocess.run(["sh"], input=script, env=os.environ | env, text=True, check=True)
    assert spool.stats().ready == 1
    assert (tmp_path / "requeued").exists() is requeued
    if requeued:
        assert (tmp_path / "requeued").read_text() == "requeue 7_2\n"


def test_scripts_are_sound(cli: Callable) -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed; .ci/run installs it")
    for again in ((), ("--again",)):
        script = cli("slurm", *again, "--", "--", "a b").good().out
        ran = subprocess.run([shellcheck, "-"], input=script, text=True, check=False)
        assert ran.returncode == 0


def test_submit_hands_the_script_to_sbatch_and_prints_the_id(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = tmp_path / "got"
    monkeypatch.setenv("PATH", play(tmp_path, sbatch=f"cat > {got}; echo '4711;cluster'"))
    assert cli("slurm", "--submit", "--", "true").good().out == "4711\n"
    assert got.read_text() == cli("slurm", "--", "true").good().out
    told = cli("slurm", "--submit", "--json", "--", "true").good().objects[0]
    assert told == {"script": got.read_text(), "job": "4711"}


def test_a_missing_or_refusing_sbatch_is_one_line(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PATH", play(tmp_path, sbatch="echo 'sbatch: error: no such partition' >&2; exit 1")
    )
    assert "no such partition" in cli("slurm", "--submit", "--", "true").bad(1)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert "sbatch: No such file" in cli("slurm", "--submit", "--", "true").bad(1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "COMMAND"),
        (("--", "--nonsense"), "unrecognized"),
        (("--", "-j", "none", "x"), "none"),
        (("--", "--retry-on", "0", "--", "x"), "the arguments of work: --retry-on='0'"),
        (("--", "--no-retry-on", "SIGNONE", "x"), "the arguments of work: --no-retry-on='SIGNONE'"),
        (("--time", "1m", "--", "x"), "3m"),
        (("-o", "a\nb", "--", "x"), "option"),
        (("-o", "=x", "--", "x"), "option"),
        (("-n", "0", "--", "x"), "whole number"),
    ],
)
def test_mistakes_show_before_anything_is_submitted(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str
) -> None:
    monkeypatch.setenv("PATH", play(tmp_path, sbatch=f"touch {tmp_path}/submitted"))
    ran = cli("slurm", "--submit", *words)
    assert why in ran.bad(2)
    assert (ran.out, (tmp_path / "submitted").exists()) == ("", False)


def test_time_limits_are_in_sbatchs_words() -> None:
    assert time_limit(0.2) == "0-00:00:01"
    assert time_limit(90) == "0-00:01:30"
    assert time_limit(2 * 86400 + 3661) == "2-01:01:01"
