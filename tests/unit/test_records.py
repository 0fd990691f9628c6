"""Records: read back as written, and garbage is None rather than an exception or a deadline."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoolq.rules import leases, records

LEASE = records.Lease("host-1-ABCDEFGHIJ", "me", "host", 1, 1_800_000_000.25, 60.0, 1)


def sidecar(**changes: object) -> bytes:
    return json.dumps({**json.loads(records.dump_lease(LEASE)), **changes}).encode()


def test_lease_reads_back() -> None:
    assert records.load_lease(LEASE.name, records.dump_lease(LEASE)) == LEASE


@given(st.floats(0, 4e9), st.floats(0.001, 3e8))
def test_every_lease_we_write_is_consistent(granted_at: float, seconds: float) -> None:
    lease = records.Lease("l", "o", "h", 1, granted_at, seconds, 1)
    read = records.load_lease("l", records.dump_lease(lease))
    assert read is not None
    assert abs(read.deadline - lease.deadline) < 1e-3


def test_unknown_fields_of_newer_writers_are_no_harm() -> None:
    assert records.load_lease(LEASE.name, sidecar(colour="blue", tasks=[1])) == LEASE


@pytest.mark.guarantee("I8")
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        records.dump_lease(LEASE)[:-20],
        b"null",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b"[" * 60_000,
        b'"' + b"x" * 70_000 + b'"',
        sidecar(lease_seconds="60"),
        sidecar(lease_seconds=True),
        sidecar(lease_seconds=float("nan")),
        sidecar(lease_seconds=1e300),
        sidecar(lease_seconds=10**400),
        sidecar(lease_seconds=-1),
        sidecar(granted_at="yesterday"),
        sidecar(granted_at=5),
        sidecar(deadline=None),
        sidecar(deadline="2099-01-01T00:00:00Z"),
        sidecar(deadline="2027-01-15T08:01:02.350000"),
    ],
)
def test_garbage_is_no_lease(garbage: bytes) -> None:
    assert records.load_lease(LEASE.name, garbage) is None


def test_grant_far_in_the_future_is_not_plausible() -> None:
    assert leases.is_plausible(100.0, 95.0)
    assert not leases.is_plausible(200.0, 95.0)


@given(st.binary(max_size=200))
def test_no_bytes_make_loading_raise(data: bytes) -> None:
    assert records.load_lease("x", data) is None
    assert records.load_meta(data) == records.NO_META


def test_meta_reads_back_and_drops_what_makes_no_sense() -> None:
    meta = records.Meta("k", {"a": "b"}, 5.0, 3)
    assert records.load_meta(records.dump_meta(meta)) == meta
    odd = {"key": "../x", "headers": {"a": 1}, "lease_seconds": -1, "max_attempts": True}
    assert records.load_meta(json.dumps(odd).encode()) == records.NO_META
    assert records.load_meta(json.dumps({"lease_seconds": 10**400}).encode()) == records.NO_META


@given(st.floats(0, 4e9))
def test_times_read_back_to_the_microsecond(seconds: float) -> None:
    read = records.from_iso(records.to_iso(seconds))
    assert read is not None
    assert abs(read - seconds) < 2e-6


def test_end_record_must_be_of_this_job_and_outcome() -> None:
    record = {"id": "a", "outcome": "failed"}
    assert records.is_end_record(record, "a", "failed")
    assert not records.is_end_record(record, "a", "done")
    assert not records.is_end_record(record, "b", "failed")
    assert not records.is_end_record(None, "a", "failed")


@pytest.mark.parametrize(
    ("data", "is_torn"),
    [
        (b"", True),
        (bytes(200), True),
        (b'{"le', True),
        (b'{"lease": "host-1-', True),
        (b'{"lease": "host' + bytes(100), True),
        (b"notes of somebody", False),
        (b'{"key": 1}', False),
    ],
)
def test_torn_sidecar_is_told_from_a_foreign_file(data: bytes, is_torn: bool) -> None:
    assert records.is_torn_lease(data) is is_torn
