"""Any names in any directory: what is no name of spoolq's stays, and nothing else suffers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import tally
from support.fuzzing import COMMANDS, JOB, LEASE, STAMP, Furnished, fine, furnish, run, words_for
from support.spools import ROOMS
from support.strangers import fingerprint

from spoolq import Spool
from spoolq.rules import names
from spoolq.upkeep.doctor import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIRECTORIES = (*ROOMS, "sys/locks", "sys/journal")
PIECES = [
    *(
        JOB,
        f"{JOB}AA",
        JOB[:-1],
        LEASE,
        STAMP,
        STAMP[:-1],
        "lease",
        "grace",
        "end",
        "result",
        "task",
    ),
    *("cancelled", "out", "err", "key", "event", "record", "1", "0", "-1", "9" * 25, "", "clock-1"),
    *("stop", "stop-host", "\udcff", "\n", "\x1b[2J", " ", "é", "*", "a" * 120, "record", "probe"),
]
NAMES = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(".".join),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40),
).filter(lambda name: name not in {"", ".", ".."} and len(os.fsencode(name)) < 256)
KINDS: dict[str, Callable[[Path], object]] = {
    "file": lambda place: place.write_bytes(b"foreign"),
    "directory": lambda place: place.mkdir(),
    "link": lambda place: place.symlink_to("/etc/passwd"),
    "pipe": os.mkfifo,
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    return furnish(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.guarantee("I3", "I8")
@pytest.mark.timeout(0)
@settings(suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_names_in_any_directory(furnished: Furnished, data: st.DataObject) -> None:
    with furnished.copy() as spool:
        planted = {}
        for _ in range(data.draw(st.integers(1, 6))):
            room = data.draw(st.sampled_from(DIRECTORIES))
            name = data.draw(NAMES)
            kind = data.draw(st.sampled_from(sorted(KINDS)))
            place = spool.path / room / name
            if os.path.lexists(place):
                continue
            KINDS[kind](place)
            if (
                not (is_ours(room, name) or room in {"sys/keys", "sys/locks", "logs"})
                or kind == "link"
            ):
                planted[place] = fingerprint(place)
        for name in data.draw(st.lists(st.sampled_from(sorted(COMMANDS)), max_size=4)):
            words = words_for(name, spool)
            fine(run(spool.path, *words, stdin=b"x"), words)
        run(spool.path, "resume")
        with Spool(spool.path) as opened:
            for job in opened.get_jobs(10, timeout=0):
                job.done()
            opened.reap()
            opened.prune(older_than_seconds=3600)
        assert {place: fingerprint(place) for place in planted} == planted
        spool.check_nothing_is_lost(set())
    tally.add("names fuzzed", len(planted))


@settings(max_examples=300)
@given(NAMES)
def test_every_parser_gives_the_name_back_or_none(name: str) -> None:
    for parse in (
        names.parse_ready, names.parse_leased, names.parse_delayed, names.parse_draft,
        names.parse_log, names.parse_worker, names.parse_journal,
    ):  # fmt: skip
        parsed = parse(name)
        assert parsed is None or str(parsed) == name, (parse.__name__, parsed)
    for tell in (names.parse_sidecar, names.parse_ended, names.parse_history, names.parse_stop):
        told = tell(name)
        assert told is None or (told[0] if isinstance(told, tuple) else told) in name
