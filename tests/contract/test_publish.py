"""Publishing: what may be published, what comes back, what is refused and leaves nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import ID, assert_spool_sound, assert_spool_tidy, everything_under

from spoolq import InvalidTask, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

MIB = 1 << 20
NAN, INF = float("nan"), float("inf")


@pytest.mark.guarantee("I6")
@pytest.mark.parametrize(
    "task",
    [b"", b"\0", b"\n", bytes(range(256)), b"\xff\xfe", b"x" * 70_000],
    ids=["empty", "nul", "newline", "every-byte", "not-utf8", "70k"],
)
def test_task_comes_back_byte_for_byte(spool: Spool, task: bytes) -> None:
    job_id = spool.publish(task)
    assert (Path(spool.path) / "ready" / job_id).read_bytes() == task
    job = spool.get_job(timeout=0)
    assert job.task == task
    assert type(job.task) is bytes
    job.done()


@pytest.mark.guarantee("I6")
def test_task_of_64_mib_comes_back_whole_and_one_byte_more_is_refused(spool: Spool) -> None:
    task = b"0123456789abcdef" * (4 * MIB)
    spool.publish(task)
    with pytest.raises(InvalidTask):
        spool.publish(task + b"!")
    job = spool.get_job(timeout=0)
    assert job.task == task
    job.done()
    assert_spool_tidy(spool.path)


def test_limit_of_the_spool_is_kept_to_the_byte(make_spool: Callable[..., Spool]) -> None:
    spool = make_spool(max_task_bytes=100)
    before = everything_under(spool.path)
    with pytest.raises(InvalidTask, match="100"):
        spool.publish(b"x" * 101)
    with pytest.raises(InvalidTask):
        spool.publish_many([b"fits", b"x" * 101])
    assert everything_under(spool.path) == before  # nothing half done: not even the one that fits
    spool.publish(b"x" * 100)
    assert len(spool.get_job(timeout=0).task) == 100


@pytest.mark.parametrize("task", ["text", None, 7, ["list"], b"x".hex, object()])
def test_what_is_not_bytes_is_refused(spool: Spool, task: Any) -> None:
    before = everything_under(spool.path)
    with pytest.raises(InvalidTask):
        spool.publish(task)
    with pytest.raises(InvalidTask):
        spool.publish_many([b"good", task])
    assert everything_under(spool.path) == before


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_task_may_be_any_kind_of_bytes(spool: Spool, kind: Any) -> None:
    spool.publish(kind(b"task \0"))
    spool.publish_many([kind(b"another")])
    tasks = [spool.get_job(timeout=0).task for _ in range(2)]
    assert tasks == [b"task \0", b"another"]
    assert {type(task) for task in tasks} == {bytes}


def test_bytes_is_not_taken_for_a_list_of_tasks(spool: Spool) -> None:
    with pytest.raises(InvalidTask):
        spool.publish_many(b"abc")  # type: ignore[arg-type]
    assert spool.stats().ready == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("priority", value) for value in (-1, 10, 5.5, "5", True, NAN)],
        *[("delay", value) for value in (-1, NAN, INF, -INF, "5", True, [1])],
        *[("lease_seconds", value) for value in (0, -1, NAN, INF, "60", True)],
        *[("max_attempts", value) for value in (-1, 1.5, "3", True, NAN)],
        *[("headers", value) for value in ("text", ["list"], {1: "a"}, {"a": object()})],
        *[("headers", value) for value in ({"a": "x" * 100_000}, {"a": NAN}, {"\udcff": "x"})],
        *[("key", value) for value in (1, b"bytes", "", True)],
    ],
)
def test_option_that_makes_no_sense_is_refused_and_leaves_nothing(
    spool: Spool, name: str, value: Any
) -> None:
    before = everything_under(spool.path)
    with pytest.raises(InvalidTask, match=name):
        spool.publish(b"task", **{name: value})
    if name != "key":
        with pytest.raises(InvalidTask, match=name):
            spool.publish_many([b"task"], **{name: value})
    assert everything_under(spool.path) == before


def test_id_says_priority_and_time_and_is_printable(spool: Spool) -> None:
    before = datetime.now(UTC)
    job_id = spool.publish(b"task", priority=3)
    assert re.fullmatch(ID, job_id)
    assert job_id.startswith("3-")
    info = spool.get(job_id)
    assert (info.status, info.priority, info.attempt) == (JobStatus.READY, 3, 0)
    assert info.published_at is not None
    slack = timedelta(seconds=0.1)  # the file server's clock may be a tick behind
    assert before - slack <= info.published_at <= datetime.now(UTC) + slack
    assert info.published_at.strftime("%Y%m%dT%H%M%S%f") in job_id


def test_batch_keeps_its_order_and_shares_its_options(spool: Spool) -> None:
    tasks = [b"%d" % number for number in range(500)]
    ids = spool.publish_many(tasks, priority=2, headers={"batch": "one"}, lease_seconds=33)
    assert ids == sorted(ids)
    assert len(set(ids)) == 500
    for job_id, task in zip(ids, tasks, strict=True):
        job = spool.get_job(timeout=0)
        assert (job.id, job.task, job.headers) == (job_id, task, {"batch": "one"})
        assert (job.lease_seconds, job.priority) == (33, 2)
        job.done()
    assert_spool_tidy(spool.path)


def test_batch_of_nothing_publishes_nothing(spool: Spool) -> None:
    assert spool.publish_many([]) == []
    assert spool.stats().ready == 0


def test_batch_may_be_a_generator(spool: Spool) -> None:
    ids = spool.publish_many(b"%d" % number for number in range(5))
    assert [spool.get_job(timeout=0).id for _ in ids] == ids


def test_batch_may_be_delayed(spool: Spool) -> None:
    ids = spool.publish_many([b"a", b"b"], delay=3600)
    assert {spool.get(job_id).status for job_id in ids} == {JobStatus.DELAYED}
    assert_spool_sound(spool.path)


@pytest.mark.parametrize("headers", [None, {}, {"a": "b"}, {"ключ": "знач\n\x1b[1m", "": ""}])
def test_headers_come_back_as_they_were_given(
    spool: Spool, open_again: Callable[..., Spool], headers: dict[str, str] | None
) -> None:
    spool.publish(b"task", headers=headers)
    assert open_again(spool).get_job(timeout=0).headers == (headers or {})


def test_headers_survive_redelivery(spool: Spool) -> None:
    spool.publish(b"task", headers={"trace": "42"}, lease_seconds=44, max_attempts=5)
    spool.get_job(timeout=0).fail("once", delay=0)
    job = spool.get_job(timeout=0)
    assert (job.headers, job.lease_seconds, job.attempt) == ({"trace": "42"}, 44, 2)


def test_lease_seconds_of_the_job_beat_those_of_the_spool(spool: Spool) -> None:
    spool.publish(b"own", lease_seconds=1000)
    spool.publish(b"default")
    own, default = spool.get_job(timeout=0), spool.get_job(timeout=0)
    assert (own.lease_seconds, default.lease_seconds) == (1000, 60)
    assert 900 < (own.deadline - default.deadline).total_seconds() + 60 < 1100


@pytest.mark.parametrize("durability", ["full", "publish", "off"])
def test_every_durability_serves_every_move(
    make_spool: Callable[..., Spool], durability: str
) -> None:
    spool = make_spool(durability=durability, retry_delay_seconds=0.01)
    spool.publish(b"one", key="k", headers={"a": "b"})
    spool.publish_many([b"two", b"three", b"four"])
    spool.get_job(timeout=0).done(b"result")
    spool.get_job(timeout=0).fail("no", retry=False)
    spool.cancel(spool.get_job(timeout=0).id)
    spool.get_job(timeout=0).release()
    failed = next(iter(spool.list(JobStatus.FAILED)))
    spool.retry(failed.id)
    stats = spool.stats()
    assert (stats.ready, stats.done, stats.failed, stats.leased) == (2, 2, 0, 0)
    assert spool.settings.durability == durability
    assert_spool_tidy(spool.path)
