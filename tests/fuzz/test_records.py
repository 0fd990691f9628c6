"""Any bytes in any record: no command ends with a traceback, no job is lost, the others go on."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import tally
from support.fuzzing import (
    COMMANDS,
    VALUES,
    Furnished,
    example,
    fine,
    furnish,
    run,
    spoilt,
    words_for,
)
from support.spools import tasks_in

from spoolq import Spool, SpoolqError
from spoolq.upkeep import doctor, mending

SETTINGS = sorted(json.loads(example("settings")))
fuzzed = settings(suppress_health_check=list(HealthCheck))


def as_json(values: object) -> bytes:
    return json.dumps(values).encode()


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    return furnish(tmp_path_factory.mktemp("fuzz"))


def go_on(spool: Furnished) -> None:
    """Take and do all that is given out, and mend the rest; the plain job must have been in it."""
    run(spool.path, "resume")
    (spool.path / "sys" / "paused").unlink(missing_ok=True)
    ended = set()
    with Spool(spool.path) as opened:
        for name in tasks_in(spool.path, "leased"):  # what `get` has taken, and nobody ended
            with suppress(SpoolqError):
                opened.leased_job(name).release()
        while jobs := opened.get_jobs(10, timeout=0):
            for job in jobs:
                assert job.task == spool.payloads.get(job.id, job.task)
                job.done()
                ended.add(job.id)
        list(opened.list())
        opened.reap()
    list(mending.mend(str(spool.path), doctor.examine(str(spool.path)).findings))
    assert (spool.path / "done" / spool.plain).exists()
    spool.check_nothing_is_lost(ended)


@pytest.mark.guarantee("I3", "I6", "I8")
@pytest.mark.timeout(0)
@fuzzed
@given(st.data())
def test_any_bytes_in_any_records(furnished: Furnished, data: st.DataObject) -> None:
    with furnished.copy() as spool:
        places = data.draw(st.lists(st.sampled_from(sorted(spool.records)), min_size=1, max_size=5))
        for place in set(places):
            contents = data.draw(spoilt(spool.records[place]), label=place)
            (spool.path / place).write_bytes(contents)
        for name in data.draw(st.lists(st.sampled_from(sorted(COMMANDS)), max_size=6)):
            words = words_for(name, spool)
            more = (
                ["--json"] if data.draw(st.booleans()) and name not in {"metrics", "report"} else []
            )
            fine(run(spool.path, *words[:1], *more, *words[1:], stdin=b"x"), words)
        go_on(spool)
    tally.add("records fuzzed", len(set(places)))


@pytest.mark.timeout(0)
@fuzzed
@given(data=spoilt("settings") | st.dictionaries(st.sampled_from(SETTINGS), VALUES).map(as_json))
def test_any_bytes_in_the_settings(furnished: Furnished, data: bytes) -> None:
    with furnished.copy() as spool:
        (spool.path / "spool.json").write_bytes(data)
        try:
            Spool(spool.path).close()
        except SpoolqError as error:
            assert "spool.json" in str(error), error
            for name in ("status", "put", "doctor"):
                ran = run(spool.path, name, stdin=b"x")
                fine(ran, name)
                assert ran.status == 1, ran
        else:
            for name in ("status", "put", "doctor", "metrics"):
                fine(run(spool.path, name, stdin=b"x"), name)
        spool.check_nothing_is_lost(set())
    tally.add("settings fuzzed", 1)
