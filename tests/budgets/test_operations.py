"""What each move costs in operations of the seam, exactly: a test of speed that no clock decides."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spoolq.holding.spare import BURST
from spoolq.queue import internals
from spoolq.rules import leases, names, records
from spoolq.verbs.reap import Reaper

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

OPERATIONS = (
    *("create", "create_unstamped", "append", "write", "write_back", "sync", "close", "rename"),
    *("link", "unlink", "mkdir", "rmdir", "list", "iterate", "iterate_files", "exists", "read"),
    *("read_record", "read_part", "lstat", "touch_directory", "sync_directory"),
)
WRITTEN = ["create", "write", "close"]
SYNCED = ["create", "write", "sync", "close"]


class Counted:
    """A spool whose file operations are written down; upkeep does not come in between."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.asked: list[str] = []
        self._inside = threading.local()
        fs = internals(spool).fs
        for name in OPERATIONS:
            setattr(fs, name, self._noting(name, getattr(fs, name)))
        spool._consumer._upkeep._next_pass = math.inf

    def _noting(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            if getattr(self._inside, "one", False):  # what one is made of is its own affair
                return operation(*args)
            self.asked.append(name.removesuffix("_unstamped"))
            self._inside.one = True
            try:
                return operation(*args)
            finally:
                self._inside.one = False

        return noted

    def cost(self, act: Callable[[], Any]) -> list[str]:
        """The operations of an act, in order."""
        self.asked.clear()
        act()
        return list(self.asked)


@pytest.fixture
def counted(make_spool: Callable[..., Spool]) -> Callable[[str], Counted]:
    return lambda durability: Counted(make_spool(durability=durability, journal_seconds=0.0))


def test_publish_writes_a_file_and_renames_it(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    assert off.cost(lambda: off.spool.publish(b"task")) == [*WRITTEN, "rename"]


def test_durable_publish_syncs_the_file_and_the_directory(
    counted: Callable[[str], Counted],
) -> None:
    full = counted("full")
    assert full.cost(lambda: full.spool.publish(b"task")) == [*SYNCED, "rename", "sync_directory"]


def test_a_durable_batch_syncs_the_directory_once(counted: Callable[[str], Counted]) -> None:
    full = counted("full")
    assert full.cost(lambda: full.spool.publish_many([b"task"] * 3)) == [
        *["create", "write"] * 3,
        *["write_back"] * 3,
        *["sync"] * 3,
        *["close"] * 3,
        *["rename"] * 3,
        "sync_directory",
    ]


def test_options_cost_one_record(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    off.spool.publish(b"first")  # by which the clock has learnt the time
    headers = {"kind": "report"}
    assert off.cost(lambda: off.spool.publish(b"task", headers=headers)) == [
        *WRITTEN,
        *WRITTEN,
        "rename",
    ]


def test_a_claim_writes_a_sidecar_renames_and_reads(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    off.spool.publish_many([b"task"] * 2)
    off.spool.get_job(0).done()  # which has listed
    assert off.cost(lambda: off.spool.get_job(0)) == ["exists", *WRITTEN, "rename", "read"]


def test_a_batch_of_claims_shares_the_sidecar(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    off.spool.publish_many([b"task"] * 6)
    off.spool.get_job(0).done()
    jobs = []
    assert off.cost(lambda: jobs.extend(off.spool.get_jobs(5, 0))) == [
        "exists",
        *WRITTEN,
        *["rename", "read"] * 5,
    ]
    assert off.cost(lambda: [job.done() for job in jobs]) == [*["rename"] * 5, "unlink"]


def test_a_burst_of_short_jobs_shares_a_sidecar_and_leaves_none(
    counted: Callable[[str], Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "shared_until", lambda _started, _seconds: math.inf)
    off = counted("off")
    off.spool.publish_many([b"task"] * (BURST + 3))
    for _ in range(BURST):
        off.spool.get_job(0).done()
    assert off.cost(lambda: off.spool.get_job(0).done()) == ["exists", "rename", "read", "rename"]
    long = off.spool.get_job(0)
    assert [job.lease == long.lease for job in off.spool.get_jobs(1, 0)] == [False]
    assert off.cost(long.release)[:1] == ["rename"]
    present = [path.name for path in (Path(off.spool.path) / "leased").iterdir()]
    assert f"{long.lease}.lease" not in present


def test_batches_that_follow_each_other_share_a_sidecar(
    counted: Callable[[str], Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "shared_until", lambda _started, _seconds: math.inf)
    off = counted("off")
    off.spool.publish_many([b"task"] * 4 * BURST)

    def batch(limit: int) -> set[str]:
        jobs = off.spool.get_jobs(limit, 0)
        for job in jobs:
            job.done()
        return {job.lease for job in jobs}

    first = batch(BURST)
    again = off.cost(lambda: batch(BURST))
    assert again == ["exists", *["rename", "read"] * BURST, *["rename"] * BURST]
    assert batch(1) == first, "fewer than it was granted for"
    larger = batch(BURST + 1)
    assert larger.isdisjoint(first), "its sidecar says how many a claim takes at most"
    present = {path.name for path in (Path(off.spool.path) / "leased").iterdir()}
    assert present == {f"{lease}.lease" for lease in larger}


def test_a_batch_with_a_job_that_comes_back_gives_its_lease_away(
    counted: Callable[[str], Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "shared_until", lambda _started, _seconds: math.inf)
    off = counted("off")
    off.spool.publish_many([b"task"] * 4 * BURST)
    first, *rest = off.spool.get_jobs(BURST, 0)
    first.release()
    for job in rest:
        job.done()
    assert list((Path(off.spool.path) / "leased").iterdir()) == []
    assert off.spool.get_jobs(BURST, 0)[0].lease != first.lease


def test_a_lease_kept_spare_goes_when_there_is_no_more(
    counted: Callable[[str], Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "shared_until", lambda _started, _seconds: math.inf)
    off = counted("off")
    off.spool.publish_many([b"task"] * (BURST + 3))
    for _ in range(BURST + 1):
        off.spool.get_job(0).done()
    leased = Path(off.spool.path) / "leased"
    assert [path.suffix for path in leased.iterdir()] == [".lease"]
    off.spool.close()
    assert list(leased.iterdir()) == []


@pytest.mark.parametrize(
    ("durability", "expected"),
    [("off", ["rename", "unlink"]), ("full", ["rename", "sync_directory", "unlink"])],
)
def test_done_is_one_rename(
    counted: Callable[[str], Counted], durability: str, expected: list[str]
) -> None:
    spool = counted(durability)
    spool.spool.publish(b"task")
    job = spool.spool.get_job(0)
    assert spool.cost(job.done) == expected


@pytest.mark.parametrize(("durability", "syncs"), [("off", []), ("full", ["sync_directory"])])
def test_done_of_many_is_a_rename_each_and_one_sync(
    counted: Callable[[str], Counted], durability: str, syncs: list[str]
) -> None:
    spool = counted(durability)
    spool.spool.publish_many([b"task"] * 5)
    jobs = spool.spool.get_jobs(5, 0)
    assert spool.cost(lambda: spool.spool.done_many(jobs)) == [*["rename"] * 5, *syncs, "unlink"]
    assert spool.cost(lambda: spool.spool.done_many(jobs)) == []


def test_renewing_is_a_sidecar_and_a_rename(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    off.spool.publish(b"task")
    job = off.spool.get_job(0)
    assert off.cost(job.extend) == [*WRITTEN, "rename", "unlink"]


def test_a_look_at_an_empty_spool_is_one_listing(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    assert off.spool.get_jobs(1, timeout=0) == []
    assert off.cost(lambda: off.spool._consumer._claim(1)) == ["iterate_files"]


def test_a_job_is_found_by_its_id_without_a_listing(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    job_id = off.spool.publish(b"task")
    assert off.cost(lambda: off.spool.get(job_id)) == ["lstat"]


def test_a_later_reap_pass_reads_no_sidecar_again(counted: Callable[[str], Counted]) -> None:
    off = counted("off")
    off.spool.publish_many([b"task"] * 4)
    held = [off.spool.get_jobs(2, 0) for _ in range(2)]
    assert [len(jobs) for jobs in held] == [2, 2]
    reaper = Reaper(internals(off.spool))
    assert sorted(off.cost(reaper.look)) == ["iterate", "read_record", "read_record"]
    assert off.cost(reaper.look) == ["iterate"]


def test_a_reap_pass_takes_apart_only_names_whose_lease_is_over(
    counted: Callable[[str], Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    off = counted("off")
    off.spool.publish_many([b"task"] * 4)
    held = off.spool.get_jobs(3, 0)
    lost = off.spool.get_job(0)
    spool, leased = internals(off.spool), Path(off.spool.path) / "leased"
    granted_at = lost.deadline.timestamp() - 3600
    over = records.Lease("alpha-1-OVER", "alpha-1", "alpha", 1, granted_at, 60.0, 1)
    (leased / "alpha-1-OVER.lease").write_bytes(records.dump_lease(over))
    (leased / lost.name).rename(leased / f"{lost.id}.1.alpha-1-OVER")
    taken_apart: list[str] = []
    parse = names.parse_leased
    monkeypatch.setattr(names, "parse_leased", lambda name: taken_apart.append(name) or parse(name))
    seen = Reaper(spool).look()
    assert (seen.returned, taken_apart) == (1, [f"{lost.id}.1.alpha-1-OVER"])
    assert seen.next_at == pytest.approx(held[0].deadline.timestamp())
