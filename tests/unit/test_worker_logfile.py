"""A stream's log: exact up to its limit, cut in the middle beyond, and never in the way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.errors import SpoolDamaged
from spoolq.worker.logfile import LogFile, Logged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def opener(path: Path) -> Callable[[], int]:
    return lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


@given(st.lists(st.binary(max_size=70)), st.integers(0, 100))
def test_head_and_tail_are_exact_for_any_chunks(chunks: list[bytes], limit: int) -> None:
    read_end, write_end = os.pipe()
    log = LogFile(lambda: write_end, limit=limit)
    for chunk in chunks:
        log.write(chunk)
    logged = log.finish()
    whole = b"".join(chunks)
    expected = whole
    if len(whole) > limit:
        tail = limit // 4
        cut = len(whole) - limit
        note = b"\n[spoolq: %d bytes of output left out here]\n" % cut
        expected = whole[: limit - tail] + note + whole[len(whole) - tail :]
    if not whole:
        os.close(write_end)
    assert logged == Logged(len(whole), max(0, len(whole) - limit))
    with open(read_end, "rb") as stream:
        assert stream.read() == expected


def test_nothing_printed_makes_nothing(tmp_path: Path) -> None:
    log = LogFile(opener(tmp_path / "log"))
    log.write(b"")
    assert log.finish() == Logged(0)
    assert not (tmp_path / "log").exists()


def test_everything_up_to_three_quarters_is_in_the_file_at_once(tmp_path: Path) -> None:
    log = LogFile(opener(tmp_path / "log"), limit=100)
    log.write(b"x" * 75)
    assert (tmp_path / "log").stat().st_size == 75
    log.write(b"y" * 25)
    log.finish()
    assert (tmp_path / "log").read_bytes() == b"x" * 75 + b"y" * 25


def test_after_an_error_writing_is_tried_again_and_the_gap_is_marked(tmp_path: Path) -> None:
    now = [0.0]
    full = [True]

    def open_log() -> int:
        if full[0]:
            raise OSError(28, "No space left on device")
        return opener(tmp_path / "log")()

    log = LogFile(open_log, clock=lambda: now[0])
    log.write(b"lost")
    full[0] = False
    log.write(b"lost too")
    now[0] = 6.0
    log.write(b"kept")
    assert log.finish() == Logged(16, 0, 12, "No space left on device")
    note = b"\n[spoolq: 12 bytes of output lost here: No space left on device]\n"
    assert (tmp_path / "log").read_bytes() == note + b"kept"


def test_a_gap_at_the_end_is_marked_too(tmp_path: Path) -> None:
    attempts = []

    def open_log() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError(122, "Disk quota exceeded")
        return opener(tmp_path / "log")()

    log = LogFile(open_log)
    log.write(b"gone")
    assert log.finish() == Logged(4, 0, 4, "Disk quota exceeded")
    assert b"4 bytes of output lost here: Disk quota" in (tmp_path / "log").read_bytes()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_tail_that_cannot_be_kept_is_counted(tmp_path: Path) -> None:
    log = LogFile(
        opener(tmp_path / "log"), limit=8, open_tail=lambda: os.open("/dev/full", os.O_RDWR)
    )
    log.write(b"abcdef" + b"g" * 10)
    log.write(b"h" * 10)
    assert log.finish() == Logged(26, 20, 0, "No space left on device")
    assert (
        tmp_path / "log"
    ).read_bytes() == b"abcdef\n[spoolq: 20 bytes of output left out here]\n"


def test_a_spool_that_refuses_the_log_is_no_reason_to_stop_either() -> None:
    def refuse() -> int:
        raise SpoolDamaged("/spool/logs", "no directory")

    log = LogFile(refuse)
    log.write(b"abc")
    assert log.finish() == Logged(3, 0, 3, "/spool/logs: no directory")


def test_flushing_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    log = LogFile(opener(tmp_path / "log"))
    log.flush()
    log.write(b"x")
    log.flush()
    log.flush()
    assert len(synced) == 1
    log.finish()
