"""The grammar of names: what is written is read back the same, and nothing else is taken for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.rules import names

BASE32 = st.sampled_from(names.BASE32)
SECONDS = st.integers(0, 4_000_000_000_000_000).map(lambda microseconds: microseconds / 1e6)
IDS = st.builds(
    names.format_id,
    st.integers(0, 9),
    SECONDS,
    st.text(BASE32, min_size=8, max_size=10),
)
LEASES = st.from_regex(r"\A[A-Za-z0-9_-]{1,120}\Z")
ATTEMPTS = st.integers(1, 999_999_999)
AN_ID = "5-20261123T235959000001-ABCDEFGH"


@given(IDS, st.integers(0, 999_999_999))
def test_ready_name_reads_back(job_id: str, attempts: int) -> None:
    name = names.ReadyName(job_id, attempts)
    assert names.parse_ready(str(name)) == name


@given(IDS, ATTEMPTS, LEASES)
def test_leased_name_reads_back(job_id: str, attempt: int, lease: str) -> None:
    name = names.LeasedName(job_id, attempt, lease)
    assert names.parse_leased(str(name)) == name


@given(IDS, SECONDS, st.integers(0, 9999))
def test_delayed_name_reads_back_and_sorts_by_due_time(
    job_id: str, due: float, attempts: int
) -> None:
    name = names.DelayedName(due, job_id, attempts)
    read = names.parse_delayed(str(name))
    assert read is not None
    assert (read.id, read.attempts) == (job_id, attempts)
    assert abs(read.due - due) < 2e-6
    assert str(names.DelayedName(due + 1, job_id, attempts)) > str(name)


@given(IDS, IDS)
def test_sorting_ids_gives_priority_then_age(one: str, other: str) -> None:
    def order(job_id: str) -> tuple[int, float]:
        published = names.published_at(job_id)
        assert published is not None
        return names.priority_of(job_id), published

    if order(one) != order(other):
        assert (one < other) == (order(one) < order(other))


@given(st.text(max_size=60))
def test_arbitrary_text_is_never_taken_apart_differently(text: str) -> None:
    for parse in (names.parse_ready, names.parse_leased, names.parse_delayed, names.parse_draft):
        parsed = parse(text)
        assert parsed is None or str(parsed) == text


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        ".",
        "..",
        "../" + AN_ID,
        AN_ID + "\n",
        " " + AN_ID,
        AN_ID + ".0",
        AN_ID + ".01",
        AN_ID + ".1.x.y",
        AN_ID.lower(),
        AN_ID + ".-1",
        "." + AN_ID,
        ".nfs000000000001",
        "55-20261123T235959000001-ABCDEFGH",
        "5-20261123T235959000001-ABCDEFG",
        "5-\uff120261123T235959000001-ABCDEFGH",
        AN_ID + "/x",
        AN_ID + "\x00",
    ],
)
def test_foreign_names_are_not_ours_in_any_state(foreign: str) -> None:
    assert names.parse_ready(foreign) is None
    assert names.parse_leased(foreign) is None
    assert names.parse_delayed(foreign) is None
    assert not names.is_job_id(foreign)


def test_ended_names_tell_task_from_record() -> None:
    assert names.parse_ended(AN_ID) == (AN_ID, "")
    assert names.parse_ended(AN_ID + ".cancelled") == (AN_ID, "cancelled")
    assert names.parse_ended(AN_ID + ".end") == (AN_ID, "end")
    assert names.parse_ended(AN_ID + ".result") == (AN_ID, "result")
    assert names.parse_ended(AN_ID + ".other") is None


def test_longer_random_part_says_that_options_are_recorded() -> None:
    assert not names.has_options(AN_ID)
    assert names.has_options(AN_ID + "AB")


def test_time_that_is_no_date_is_none_not_an_error() -> None:
    assert names.published_at("5-20261399T996199000001-ABCDEFGH") is None
    assert names.parse_delayed("20261399T996199000001." + AN_ID) is None


@pytest.mark.parametrize("host", ["node-1.example.org", "", "weird host/..", "x" * 300, "ünï"])
def test_lease_name_is_of_the_grammar_whatever_the_host_is_called(host: str) -> None:
    assert names.is_lease_name(names.lease_name(host, 12345, "ABCDEFGHIJ"))


def test_a_log_says_of_which_run_and_stream_it_is() -> None:
    name = "5-20261124T120000000000-ABCDEFGH.2.host-7-XYZ.err"
    assert str(names.parse_log(name)) == name
    assert names.parse_log(name) == names.LogName(
        "5-20261124T120000000000-ABCDEFGH", 2, "host-7-XYZ", "err"
    )


@pytest.mark.parametrize("end", ["0.host-7-XYZ.err", "1.host-7-XYZ.log", "1..out", "1.a.b.out"])
def test_anything_else_is_no_log(end: str) -> None:
    assert names.parse_log(f"5-20261124T120000000000-ABCDEFGH.{end}") is None


def test_the_names_that_a_worker_gives_its_records_are_read_again() -> None:
    # Tokens count on from a random text, so they end in any digits.
    worker = "node-7-4711-VL5BUFU4JH109"
    assert names.parse_worker(str(names.WorkerName(worker, 12))) == names.WorkerName(worker, 12)
    assert names.parse_stop(names.stop_name(worker)) == worker
