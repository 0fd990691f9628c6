"""Commands of every kind under `spoolq work`: ends, inputs, outputs, and those that will not go."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.waits import eventually
from support.working import TELL_PID, is_alive, log_of, run_of

from spoolq import JobStatus, Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.working import Worker

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
MIB = 1024 * 1024


@pytest.mark.parametrize("code", [0, 1, 126, 127, 255])
def test_exit_statuses_decide_and_are_kept(
    spool: Spool, start_worker: Callable[..., Worker], code: int
) -> None:
    job = spool.publish(b"")
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", f"exit {code}")
    assert worker.wait() == (6 if code else 0)
    assert spool.get(job).status is (JobStatus.FAILED if code else JobStatus.DONE)
    run = run_of(spool, job)
    assert (run["exit_code"], run["signal"], run["timed_out"], run["attempt"]) == (
        code,
        None,
        False,
        1,
    )
    assert run["host"] == os.uname().nodename
    assert run["started_at"] <= run["finished_at"]
    assert run["wall_seconds"] > 0
    assert run["peak_bytes"] > 0


def test_75_gives_the_job_back_uncounted_however_often(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker]
) -> None:
    spool = make_spool(retry_delay_seconds=0.01, retry_delay_max_seconds=0.02)
    job = spool.publish(b"", max_attempts=1)
    script = 'echo x >> "$TOLD/runs"; [ "$(wc -l < "$TOLD/runs")" -gt 3 ] || exit 75'
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", script)
    assert worker.wait() == 0
    assert (worker.told / "runs").read_text() == "x\n" * 4
    assert spool.get(job).attempt == 1
    events = [(event["event"], event["reason"]) for event in spool.history(job)]
    assert events == [("released", "exit status 75")] * 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_death_by_a_signal_is_no_exit_status_and_no_timeout(
    spool: Spool, start_worker: Callable[..., Worker], number: int
) -> None:
    job = spool.publish(b"")
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", f"kill -{int(number)} $$")
    assert worker.wait() == 6
    run = run_of(spool, job)
    assert (run["exit_code"], run["signal"], run["timed_out"]) == (
        None,
        signal.Signals(number).name,
        False,
    )


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["--retries", "2"], 3),
        (["--retries", "2", "--retry-on", "1,SIGSEGV"], 1),
        (["--retries", "2", "--retry-on", "3-9"], 3),
        (["--retries", "2", "--no-retry-on", "7"], 1),
        ([], 1),
    ],
)
def test_what_is_retried_is_chosen(
    make_spool: Callable[..., Spool],
    start_worker: Callable[..., Worker],
    words: list[str],
    runs: int,
) -> None:
    spool = make_spool(retry_delay_seconds=0.01)
    job = spool.publish(b"")
    script = 'echo x >> "$TOLD/runs"; exit 7'
    worker = start_worker(spool, *words, "--until-empty", "--", "sh", "-c", script)
    assert worker.wait() == 6
    assert (worker.told / "runs").read_text() == "x\n" * runs
    assert (spool.get(job).status, spool.get(job).attempt) == (JobStatus.FAILED, runs)


def test_a_time_limit_stops_grandchildren_that_ignore_term(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    # The grandchild tells that it is deaf; the child waits for it for ever.
    deaf = f'trap "" TERM; {TELL_PID}; while :; do sleep 1000; done'
    script = f"sh -c '{deaf}' & wait"
    worker = start_worker(spool, "--timeout", "1s", "--grace", "0.2s", "--until-empty", "--",
                          "sh", "-c", script)  # fmt: skip
    pid = worker.pid_of(job)
    assert worker.wait() == 6
    assert not is_alive(pid)
    run = run_of(spool, job)
    assert run["timed_out"] is True
    assert spool.get(job).reason == "timed out after 1 s, had to be killed"


def test_a_command_that_closes_its_output_runs_on(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    script = 'echo before; exec >&- 2>&- <&-; touch "$TOLD/closed"; exit 5'
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", script)
    assert worker.wait() == 6
    assert (worker.told / "closed").exists()
    assert log_of(spool, job) == b"before\n"
    assert run_of(spool, job)["exit_code"] == 5


def test_a_daemon_left_behind_with_the_output_open_holds_nothing_up(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    daemon = f"setsid sh -c '{TELL_PID}; exec sleep 1000'"
    script = f'{daemon} & until [ -e "$TOLD/$SPOOLQ_ID" ]; do sleep 0.02; done; echo out'
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", script)
    pid = worker.pid_of(job)
    try:
        assert worker.wait() == 0
        assert log_of(spool, job) == b"out\n"
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_hundred_megabytes_are_logged_within_the_limit_and_not_in_memory(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    # Numbered lines, 100 MB of them, so that head and tail can be told.
    script = "i=0; while [ $i -lt 100 ]; do printf '%0999999d\\n' $i; i=$((i+1)); done"
    worker = start_worker(spool, "--max-output", "8M", "--until-empty", "--", "bash", "-c", script)
    peak = 0
    while worker.process.poll() is None:
        peak = max(peak, _peak_bytes(worker.pid))
        time.sleep(0.02)
    assert worker.wait() == 0
    log = log_of(spool, job)
    assert 8 * MIB <= len(log) < 8 * MIB + 200
    assert log[: 6 * MIB].startswith(b"0" * 999_999 + b"\n" + b"0" * 999_998 + b"1\n")
    assert log.endswith(b"0" * 999_997 + b"99\n")
    assert b"bytes of output left out here" in log
    assert run_of(spool, job)["stdout_bytes"] == 100_000_000
    assert 0 < peak < 64 * MIB


def _peak_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in status if line.startswith("VmHWM")]
    return int(found[0]) * 1024 if found else 0


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, MIB + 1, 64 * MIB])
def test_payloads_of_any_size_come_through(
    spool: Spool, start_worker: Callable[..., Worker], size: int
) -> None:
    task = os.urandom(min(size, 65536)) * (size // 65536 + 1)
    job = spool.publish(task[:size])
    digest = hashlib.sha256(task[:size]).hexdigest().encode()
    script = 'sha256sum; sha256sum "$1"'
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", script, "sh", "{}")
    assert worker.wait() == 0
    on_stdin, in_file = log_of(spool, job).splitlines()
    assert (on_stdin.split()[0], in_file.split()[0]) == (digest, digest)


def test_a_large_payload_left_unread_costs_no_memory(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    jobs = [spool.publish(bytes(size)) for size in (4096, 64 * MIB)]
    worker = start_worker(spool, "--idle-exit", "1s", "--", "sh", "-c", "sleep 0.1")
    peak = 0
    while worker.process.poll() is None:
        peak = max(peak, _peak_bytes(worker.pid))
        time.sleep(0.02)
    assert worker.wait() == 0
    assert [spool.get(job).status for job in jobs] == [JobStatus.DONE] * 2
    assert 0 < peak < 64 * MIB


def test_binary_output_is_kept_byte_for_byte(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    task = bytes(range(256)) * 1000
    job = spool.publish(task)
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", "cat; printf '\\377\\0' >&2")
    assert worker.wait() == 0
    assert log_of(spool, job) == task
    assert log_of(spool, job, "err") == b"\xff\0"


def test_output_can_be_read_while_the_command_runs(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    worker = start_worker(spool, "--", "sh", "-c", f"echo early; {TELL_PID}; exec sleep 1000")
    worker.pid_of(job)
    eventually(lambda: list(Path(spool.path, "logs").glob(f"{job}.*.out")), what="a log")
    eventually(lambda: log_of(spool, job) == b"early\n", what="the first line is there")


def test_many_commands_at_once_each_get_their_own(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    jobs = spool.publish_many([str(number).encode() for number in range(200)])
    script = 'read -r n; echo "$n:$SPOOLQ_ID"; [ "$n" != 7 ]'
    worker = start_worker(spool, "-j", "16", "--until-empty", "--", "sh", "-c", script)
    assert worker.wait() == 6
    assert [log_of(spool, job) for job in jobs] == [
        f"{number}:{job}\n".encode() for number, job in enumerate(jobs)
    ]
    stats = spool.stats()
    assert (stats.done, stats.failed) == (199, 1)


def test_a_private_copy_is_gone_with_its_command(
    spool: Spool, start_worker: Callable[..., Worker], tmp_path: Path
) -> None:
    place = tmp_path / "a place"
    place.mkdir()
    job = spool.publish(b"payload")
    script = 'cp "$1" "$TOLD/copy"; echo changed >> "$1"'
    worker = start_worker(
        spool, "--until-empty", "--", "sh", "-c", script, "sh", "{}", env={"TMPDIR": str(place)}
    )
    assert worker.wait() == 0
    assert (worker.told / "copy").read_bytes() == b"payload"
    assert (Path(spool.path) / "done" / job).read_bytes() == b"payload"
    assert list(place.iterdir()) == []


def test_commands_run_in_sessions_of_their_own_and_nicer(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    job = spool.publish(b"")
    nicer = os.nice(0) + 3
    script = "import os; print(os.getsid(0) == os.getpid() == os.getpgrp())"
    until = f'until [ "$(nice)" = {nicer} ]; do sleep 0.02; done; exec python3 -c "$1"'
    words = ["--nice", "3", "--timeout", "60s", "--until-empty", "--"]
    worker = start_worker(spool, *words, "sh", "-c", until, "sh", script)
    assert worker.wait() == 0
    assert log_of(spool, job) == b"True\n"
