"""`spoolq get`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from support.command_line import command
from support.processes import environment, wait_until_blocked
from support.spools import assert_spool_sound, names, tasks_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spoolq import Spool


def test_the_leased_files_name_is_printed_and_the_task_is_in_it(
    cli: Callable, spool: Spool
) -> None:
    job_id = spool.publish(b"content")
    name = cli("get").good().out.removesuffix("\n")
    assert name in tasks_in(spool.path, "leased")
    assert name.startswith(job_id + ".1.")
    assert (spool.path + "/leased/" + name) == spool.details(job_id)["path"]
    with open(f"{spool.path}/leased/{name}", "rb") as file:
        assert file.read() == b"content"


def test_json_has_the_documented_keys(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"", priority=2, headers={"kind": "x"})
    (found,) = cli("get", "--json").good().objects
    assert found["id"] == job_id
    assert found["name"] == f"{job_id}.1.{found['lease']}"
    assert found["attempt"] == 1
    assert found["reschedules"] == 0
    assert found["priority"] == 2
    assert found["headers"] == {"kind": "x"}
    assert found["path"] == f"{spool.path}/leased/{found['name']}"
    job = spool.get(job_id)
    assert job.deadline is not None
    assert found["deadline"] == job.deadline.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_nothing_there_is_status_3_at_once(cli: Callable) -> None:
    before = time.monotonic()
    assert "no job" in cli("get").bad(3)
    assert time.monotonic() - before < 5


def test_a_timeout_that_passes_is_status_3(cli: Callable) -> None:
    before = time.monotonic()
    assert "no job in" in cli("get", "--timeout", "300ms").bad(3)
    assert 0.3 <= time.monotonic() - before < 10


def test_a_paused_spool_says_so(cli: Callable, spool: Spool) -> None:
    spool.publish(b"")
    spool.pause("moving house")
    assert "paused: moving house" in cli("get").bad(3)


@pytest.mark.parametrize("words", [("--wait",), ("--timeout", "1m")])
def test_get_waits_for_a_publish(spool: Spool, words: tuple[str, ...]) -> None:
    with subprocess.Popen(
        command("get", *words), stdout=subprocess.PIPE, env=environment(SPOOLQ_DIR=spool.path)
    ) as get:
        wait_until_blocked(get.pid)
        job_id = spool.publish(b"")
        assert get.stdout
        assert get.stdout.read().decode().startswith(job_id)
    assert get.returncode == 0


def test_ctrl_c_while_waiting_is_quiet_and_130(spool: Spool) -> None:
    with subprocess.Popen(
        command("get", "--wait"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(SPOOLQ_DIR=spool.path),
    ) as get:
        wait_until_blocked(get.pid)
        get.send_signal(signal.SIGINT)
        assert get.communicate() == (b"", b"")
    assert get.returncode == 130
    assert_spool_sound(spool.path)


def test_output_gets_the_task_in_place_of_what_was_there(
    cli: Callable, spool: Spool, here: Path
) -> None:
    (here / "old").write_bytes(b"something longer that was there")
    for name in ("old", "new"):
        spool.publish(b"content")
        cli("get", "--output", name).good()
        assert (here / name).read_bytes() == b"content"
    assert sorted(os.listdir(here)) == ["new", "old"]


def test_output_follows_a_link_and_keeps_it(cli: Callable, spool: Spool, here: Path) -> None:
    (here / "target").write_bytes(b"old")
    (here / "link").symlink_to("target")
    spool.publish(b"content")
    cli("get", "--output", "link").good()
    assert (here / "link").is_symlink()
    assert (here / "target").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("no/such/place", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_an_output_that_cannot_be_written_is_named_and_gives_the_job_back(
    cli: Callable, spool: Spool, here: Path, bad: str, why: str
) -> None:
    job_id = spool.publish(b"content")
    ran = cli("get", "--output", bad)
    assert f"{bad}: {why}" in ran.bad(1)
    assert ran.out == ""
    job = spool.get(job_id)
    assert (job.status.name, job.reschedules) == ("READY", 0)
    assert os.listdir(here) == []


@pytest.mark.parametrize("bad", ["", "-"])
def test_output_wants_a_name(cli: Callable, spool: Spool, bad: str) -> None:
    spool.publish(b"content")
    assert "--output wants a file" in cli("get", f"--output={bad}").bad(2)
    assert names(spool.path, "leased") == []


def test_a_name_that_cannot_be_told_gives_the_job_back(spool: Spool) -> None:
    job_id = spool.publish(b"content")
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            command("get"),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=environment(SPOOLQ_DIR=spool.path),
        )
    assert ended.returncode == 1
    assert ended.stderr == b"spoolq: standard output: No space left on device\n"
    assert spool.get(job_id).status.name == "READY"


def test_closed_standard_output_gives_the_job_back(spool: Spool) -> None:
    job_id = spool.publish(b"content")
    ended = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command("get")],
        stderr=subprocess.PIPE,
        check=False,
        env=environment(SPOOLQ_DIR=spool.path),
    )
    assert ended.returncode == 1
    assert ended.stderr == b"spoolq: standard output: Bad file descriptor\n"
    assert spool.get(job_id).status.name == "READY"


def test_wait_and_timeout_exclude_each_other(cli: Callable, spool: Spool) -> None:
    spool.publish(b"content")
    said = cli("get", "--wait", "--timeout", "1").bad(2)
    assert "argument --timeout: not allowed with argument --wait" in said
    assert names(spool.path, "leased") == []
