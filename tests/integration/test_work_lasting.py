"""Workers that last: nothing grows, a paused or vanished spool, many slots, a new life cut short."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import names
from support.waits import eventually
from support.working import TELL_PID, children_of, guard_of

from spoolq import JobStatus, Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.working import Worker

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def holdings(worker: Worker) -> dict[str, int]:
    """Open descriptors of a worker and its guard, and the guard's threads.

    The worker's own come and go: those that renew are there when a command lasts.
    """
    guard = guard_of(worker)
    places = {"worker": f"{worker.pid}/fd", "guard": f"{guard}/fd", "threads": f"{guard}/task"}
    return {who: len(list(Path("/proc", place).iterdir())) for who, place in places.items()}


def test_a_thousand_commands_leave_no_descriptors_threads_or_zombies_behind(
    make_spool: Callable[..., Spool], start_worker: Callable[..., Worker]
) -> None:
    spool = make_spool(watch="poll", journal_seconds=0)  # these are begun at times of their own
    # Half of them print, some fail, some leave a child behind.
    script = 'read -r n; case $n in *[13579]) echo "$n";; *4) exit 1;; *8) sleep 0 & ;; esac'
    worker = start_worker(spool, "-j", "3", "--", "sh", "-c", script)

    def do(tasks: range) -> None:
        spool.publish_many([str(task).encode() for task in tasks])
        over = lambda: not names(spool.path, "leased") and not names(spool.path, "ready")  # noqa: E731
        eventually(over, 100, "all done")

    do(range(100))
    before = eventually(lambda: _same_twice(worker), what="quiet")
    do(range(100, 1000))
    eventually(lambda: holdings(worker) == before, what=f"as before: {before}")
    assert len(list(Path(f"/proc/{worker.pid}/task").iterdir())) < 9
    assert children_of(guard_of(worker)) == []
    stats = spool.stats()
    assert (stats.done, stats.failed) == (900, 100)


def _same_twice(worker: Worker) -> dict[str, int] | None:
    first = holdings(worker)
    return first if holdings(worker) == first else None


def test_memory_does_not_grow_with_the_tasks(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects are counted, in this process; a leak of one per task shows."""
    import gc

    import filelock  # noqa: F401 (upkeep would load it by the way)

    from spoolq.worker.options import DISCARD, WorkOptions
    from spoolq.worker.runner import Runner

    spool = make_spool(watch="poll", journal_seconds=0)  # nothing is loaded or noted by the way
    options = WorkOptions(argv=("true",), slots=2, output=DISCARD, max_jobs=400)
    runner = Runner(spool, options)
    spool.publish_many([b""] * 400)
    counted: list[int] = []
    ended = runner._ended

    def count(end: object) -> None:
        ended(end)  # type: ignore[arg-type]
        if runner.counts.done in {100, 390}:
            gc.collect()
            counted.append(len(gc.get_objects()))

    monkeypatch.setattr(runner, "_ended", count)
    runner.run()
    first, last = counted[0], counted[-1]
    assert runner.counts.done == 400
    assert last - first < 145, f"{last - first} more objects after 290 more tasks"


def test_nothing_is_taken_while_the_spool_is_paused(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    spool.pause("maintenance")
    job = spool.publish(b"")
    worker = start_worker(spool, "--until-empty", "--", "sh", "-c", TELL_PID)
    eventually(lambda: names(spool.path, "sys/workers"), what="it has begun")
    assert not (worker.told / job).exists()
    assert spool.resume()
    assert worker.wait() == 0
    assert spool.get(job).status is JobStatus.DONE


def test_a_spool_that_vanishes_ends_the_worker_with_an_error(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    worker = start_worker(spool, "--", "true")
    eventually(lambda: names(spool.path, "sys/workers"), what="it has begun")
    spool.close()
    shutil.rmtree(spool.path)
    assert worker.wait() == 1
    assert "No such file" in worker.err


def test_more_slots_than_descriptors_allow_by_default(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    jobs = spool.publish_many([b""] * 30)
    import resource

    def few() -> None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))

    # All of them at once; each goes on to tell the limit that it has itself.
    script = (
        f'{TELL_PID}; until [ -e "$TOLD/go" ]; do sleep 0.1; done; ulimit -Sn >> "$TOLD/limits"'
    )
    worker = start_worker(spool, "-j", "30", "--", "sh", "-c", script, preexec_fn=few)
    for job in jobs:
        worker.pid_of(job)
    (worker.told / "go").touch()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert (worker.told / "limits").read_text() == "64\n" * 30


def test_a_worker_about_to_begin_anew_still_hears_that_it_is_to_end(
    spool: Spool, start_worker: Callable[..., Worker]
) -> None:
    first, _second = spool.publish_many([b""] * 2)
    # Two slots: one command ends and asks for a new life, the other holds that up.
    script = f'{TELL_PID}; [ "$SPOOLQ_ID" != "$1" ] || until [ -e "$TOLD/go" ]; do sleep 0.02; done'
    words = ["--max-rss", "1M", "-j", "2", "--", "sh", "-c", script, "sh", first]
    worker = start_worker(spool, *words)
    worker.pid_of(first)

    def is_draining() -> bool:
        found = [Path(spool.path, "sys/workers", name) for name in names(spool.path, "sys/workers")]
        try:
            return any(json.loads(path.read_text())["draining"] for path in found)
        except FileNotFoundError:
            return False  # replaced by the next one meanwhile

    eventually(is_draining, what="it drains for its new life")
    worker.signal(signal.SIGTERM)
    (worker.told / "go").touch()
    assert worker.wait() == 0
    assert spool.stats().done == 2
