"""Messages between worker and guard, and payload copies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.worker.payload import private_copy
from spoolq.worker.wire import Frames, frame, pack, unpack

if TYPE_CHECKING:
    from pathlib import Path


@given(st.lists(st.dictionaries(st.text(), st.text())), st.integers(1, 50))
def test_messages_survive_any_cutting_of_the_stream(
    messages: list[dict[str, str]], step: int
) -> None:
    stream = b"".join(map(frame, messages))
    frames = Frames()
    found = []
    for at in range(0, len(stream), step):
        found += frames.feed(stream[at : at + step])
    assert found == messages


@given(st.binary())
def test_all_bytes_travel(data: bytes) -> None:
    assert unpack(pack(data)) == data
    assert unpack(pack(os.fsdecode(data))) == data


def test_a_private_copy_is_whole_private_and_never_overwrites(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(os.urandom(3_000_000))
    descriptor = os.open(source, os.O_RDONLY)
    private_copy(descriptor, str(copy))
    assert copy.read_bytes() == source.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        private_copy(descriptor, str(copy))
    os.close(descriptor)
    assert copy.stat().st_size == 3_000_000
    with pytest.raises(OSError, match="Bad file"):
        private_copy(descriptor, str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
