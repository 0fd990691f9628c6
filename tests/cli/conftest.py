"""The command line as tests use it: in this process where that will do, else as a process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.command_line import Ran, command
from support.processes import environment

from spoolq.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spoolq import Spool


@pytest.fixture
def cli(
    spool: Spool, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run a command on `spool` in this process."""
    monkeypatch.setenv("SPOOLQ_DIR", spool.path)

    def run(*words: str, stdin: bytes | None = None) -> Ran:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main(list(words))
        out, err = capsysbinary.readouterr()
        return Ran(status, os.fsdecode(out), os.fsdecode(err))

    return run


@pytest.fixture
def process(spool: Spool) -> Callable[..., Ran]:
    """Run a command on `spool` as a process of its own."""

    def run(*words: str | bytes, stdin: bytes = b"", **more: Any) -> Ran:
        env = environment(SPOOLQ_DIR=spool.path, **more.pop("env", {}))
        ended = subprocess.run(
            command(*words),
            input=stdin,
            capture_output=True,
            env=env,
            timeout=60,
            check=False,
            **more,
        )
        return Ran(ended.returncode, os.fsdecode(ended.stdout), os.fsdecode(ended.stderr))

    return run


@pytest.fixture
def start(spool: Spool) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a command on `spool` as a process and go on; it is ended when the test is over."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str, **env: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                command(*words),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(SPOOLQ_DIR=spool.path, **env),
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def taken(cli: Callable[..., Ran], spool: Spool) -> Callable[..., str]:
    """Publish a task and take it; the leased file's name."""

    def take(task: bytes = b"task", **options: Any) -> str:
        spool.publish(task, **options)
        return cli("get").good().out.strip()

    return take


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place
