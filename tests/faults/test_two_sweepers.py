"""Two processes sweep one leftover at once: the slower one finds it gone, and goes on."""

from __future__ import annotations

import pytest
from support.memory_spool import memory_spool


@pytest.mark.guarantee("I7")
def test_a_leftover_that_another_has_swept_meanwhile_stops_no_reaper() -> None:
    spool, fs = memory_spool(sweep_seconds=60.0)
    draft = "sys/tmp/host-1-ABCDEFGHIJ.key"
    fs.mkdir(draft)
    fs.time.advance(100)
    listed = fs.list

    def swept_by_another(name: str) -> list[str]:
        if name == draft:
            fs.rmdir(draft)
        return listed(name)

    fs.list = swept_by_another  # type: ignore[method-assign]
    assert spool.reap().swept == 0
    assert draft not in fs.files()
