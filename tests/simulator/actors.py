"""What simulated processes do all day: publish, take, work, end, cancel, look, tidy up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.history import Broken
from spoolq.errors import Empty, LeaseLost, SpoolqError, StorageError, UnknownJob
from spoolq.jobs import JobStatus

if TYPE_CHECKING:
    from simulator.world import Process, World

STORM_SECONDS = 60.0
CALM_SECONDS = 3000.0


class _Doing:
    """While inside, the judge knows which verb is under way; errors that may come are swallowed."""

    def __init__(self, process: Process, verb: str) -> None:
        self._process, self._verb = process, verb

    def __enter__(self) -> None:
        self._process.doing = self._verb
        self._process.moved.clear()
        self._refused = self._process.fs.refused
        self._until = self._process.world.scheduler.now + self._process.world.plan.sweep_seconds

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        self._process.doing = ""
        if kind is None and self._process.world.plan.is_cut_after(self._verb):
            self._process.world.lose_power()
        if kind is None or not issubclass(kind, Exception) or issubclass(kind, Broken):
            return False
        if issubclass(kind, StorageError):
            if self._refused == self._process.fs.refused and self._is_in_time():
                raise Broken(f"{self._verb} refused without a reason: {error!r}")
            return True
        if issubclass(kind, (Empty, LeaseLost)):
            return True
        if issubclass(kind, SpoolqError) and not issubclass(kind, UnknownJob):
            raise Broken(f"{self._verb} raised {error!r}")
        return False

    def _is_in_time(self) -> bool:
        """Whether the sweep had no reason to take this for the work of a dead process."""
        return self._process.world.scheduler.now < self._until


def worker(process: Process) -> None:
    """Live until the world is over."""
    world = process.world
    draw = world.chance.random
    while not world.is_over:
        what = draw()
        if world.published < world.plan.jobs and what < 0.3 and not world.is_calm:
            publish(process)
        elif what < 0.85 or world.is_calm:
            consume(process)
        else:
            steer(process)


def publish(process: Process) -> None:
    """Publish one task or a batch, with options by chance."""
    world, draw = process.world, process.world.chance.random
    options: dict[str, Any] = {}
    if draw() < 0.2:
        options["delay"] = draw() * 5
    if draw() < 0.2:
        options["priority"] = int(draw() * 10)
    if draw() < 0.1:
        options["headers"] = {"n": "1"}
    if draw() < 0.1:
        options["lease_seconds"] = world.plan.lease_seconds * (0.5 + 4 * draw())
    if draw() < 0.15:
        return publish_batch(process, options)
    world.published += 1
    payload = b"task %d" % world.published
    key = None
    if draw() < world.plan.keyed_share:
        key = f"key-{int(draw() * (3 if draw() < 0.5 else world.plan.jobs / 4))}"
    with _Doing(process, "publish"):
        began = world.scheduler.now
        job_id = process.spool.publish(payload, key=key, **options)
        world.history.published(job_id, payload, key, began)
    return None


def publish_batch(process: Process, options: dict[str, Any]) -> None:
    """Publish several tasks at once."""
    world = process.world
    first, count = world.published, 2 + int(world.chance.random() * 4)
    world.published += count
    payloads = [b"task %d" % (first + number) for number in range(1, count + 1)]
    with _Doing(process, "publish"):
        began = world.scheduler.now
        ids = process.spool.publish_many(payloads, **options)
        for job_id, payload in zip(ids, payloads, strict=True):
            world.history.published(job_id, payload, None, began)


def consume(process: Process) -> None:
    """Take a job or a few and go on with each."""
    world, draw = process.world, process.world.chance.random
    jobs: list[Any] = []
    with _Doing(process, "get"):
        jobs = process.spool.get_jobs(1 if draw() < 0.8 else 4, timeout=0)
        for job in jobs:
            world.history.delivered(process, job)
    if len(jobs) > 1 and draw() < 0.4:
        end_together(process, jobs)
    else:
        for job in jobs:
            work(process, job)
    if not jobs:
        share = 0.5 if world.is_calm else 0.1
        world.scheduler.sleep(world.plan.lease_seconds * (0.02 + share * draw()))


def work(process: Process, job: Any) -> None:
    """Hold a job for a while, shorter or longer than its lease, and end it in one of its ways."""
    world, draw = process.world, process.world.chance.random
    while not world.is_calm:
        length = draw()
        if length > 0.5:
            share = (length - 0.5) * 4 if length > 0.9 else (length - 0.5)
            world.scheduler.sleep(job.lease_seconds * share)
        if draw() > 0.15:
            break
        if not end(process, job, "extend"):
            return
    what = 1.0 if world.is_calm else draw()
    share = 0.4 if world.plan.cut_after == "retry" else 0.12
    verb = "fail" if what < share else "release" if what < share + 0.08 else "done"
    if what < 0.03 and not world.is_calm:
        return  # forgotten: the lease runs out
    if not end(process, job, verb) and draw() < 0.5:
        end(process, job, "done")  # told that it did not work, and tries once more


def end(process: Process, job: Any, verb: str) -> bool:
    """One call on a held job; whether it returned."""
    world, draw = process.world, process.world.chance.random
    story = world.history.story(job.id)
    process.held_name = job.name
    with _Doing(process, verb):
        if verb == "done":
            result = b"by " + job.lease.encode() if draw() < 0.3 else None
            story.results.setdefault(job.lease, result)
            job.done(story.results[job.lease])
        elif verb == "fail":
            for_good = draw() < 0.3
            story.may_fail = story.may_fail or for_good or bool(world.plan.max_attempts)
            job.fail("because", retry=not for_good, delay=draw() if draw() < 0.5 else None)
        elif verb == "release":
            story.released = True
            job.release(delay=draw() if draw() < 0.3 else 0.0)
        else:
            job.extend()
            world.history.trusted(process, job)
        world.history.ended(process, job, verb)
        return True
    return False


def end_together(process: Process, jobs: list[Any]) -> None:
    """One call that ends a batch, perhaps after its leases, and once more where it did not work."""
    world, draw = process.world, process.world.chance.random
    if draw() < 0.3 and not world.is_calm:
        world.scheduler.sleep(jobs[0].lease_seconds * 1.5 * draw())
    for job in jobs:
        world.history.story(job.id).results.setdefault(job.lease, None)
    for _ in range(2):
        with _Doing(process, "done"):
            try:
                process.spool.done_many(jobs)
            except LeaseLost:
                pass  # of some; the others are done
            for job in jobs:
                if not job.lost:
                    world.history.ended(process, job, "done")
            return


def steer(process: Process) -> None:
    """Cancel, retry, look, or tidy up."""
    world, spool, draw = process.world, process.spool, process.world.chance.random
    known = [s.id for s in world.history.stories.values() if s.acknowledged]
    what = draw()
    if world.plan.cut_after in {"retry", "cancel"} and draw() < 0.4:
        what = 0.25 if world.plan.cut_after == "retry" else 0.0
    job_id = known[int(draw() * len(known))] if known else ""
    if what == 0.0:  # one that has ended, and nobody was told so yet
        ended = [story for story in world.history.stories.values() if _ended_untold(world, story)]
        job_id = ended[-1].id if ended else job_id
    if what < 0.2 and job_id:
        with _Doing(process, "cancel"):
            world.history.cancelled(spool.cancel(job_id))
    elif what < 0.3 and job_id:
        failed = [name for name in world.disk.directory("failed").names if "." not in name]
        job_id = failed[0] if failed else job_id
        story = world.history.story(job_id)
        try:
            with _Doing(process, "retry"):
                story.retry_told = False
                spool.retry(job_id)
                story.retry_told = process.has_retried(job_id)
        except UnknownJob:
            if not story.is_pruned:
                raise Broken(f"retry does not know {story}") from None
    elif what < 0.6 and job_id:
        with _Doing(process, "look"):
            began = world.scheduler.now
            world.history.looked(spool.get(job_id), began)
    elif what < 0.75:
        with _Doing(process, "reap"):
            spool.reap()
    elif what < 0.8:
        age = draw() * 60
        process.prune_age = age
        with _Doing(process, "prune"):
            spool.prune(age, failed=draw() < 0.2)
    elif what < 0.85:
        with _Doing(process, "list"):
            listed = [info.id for info in spool.list()]
            if len(listed) != len(set(listed)):
                raise Broken("list shows a job twice")
    world.scheduler.sleep(draw() * 0.2)


def _ended_untold(world: World, story: Any) -> bool:
    return not story.end_acknowledged and world.disk.find(f"done/{story.id}") is not None


# ----- the course of the world


def weather(world: World) -> None:
    """Power losses while the storm lasts; then calm; then the books are balanced."""
    plan, chance = world.plan, world.chance
    storm = STORM_SECONDS + 3 * plan.lease_seconds
    for _ in range(plan.power_losses):
        world.scheduler.sleep(storm / (plan.power_losses + 1) * chance.uniform(0.1, 1))
        world.lose_power()
    patience = 200
    while world.published < plan.jobs and patience:
        patience -= 1
        world.scheduler.sleep(storm / 10)
    plan.calm_down()
    world.is_calm = True
    until = world.scheduler.now + CALM_SECONDS + 20 * plan.lease_seconds
    while _unsettled(world) or _busy(world):
        if world.scheduler.now > until:
            raise Broken(f"I3: these never came: {_unsettled(world)}")
        world.scheduler.sleep(plan.lease_seconds + 5)
    world.is_over = True
    while world.running:
        world.scheduler.sleep(1.0)
    _balance(world)
    world.is_balanced = True


def _busy(world: World) -> bool:
    """Whether a call that began in the storm is under way still."""
    return any(process.doing not in {"", "get"} for process in world.running)


def _unsettled(world: World) -> list[str]:
    return [
        f"{state}/{name}"
        for state in ("ready", "delayed", "leased")
        for name in world.disk.directory(state).names
        if not name.endswith((".lease", ".grace"))
    ]


def _balance(world: World) -> None:
    """Every acknowledged job has ended once and rightly; and after a prune nothing is left at all."""
    from simulator.world import Process

    world._pids += 1
    process = Process(world, world.hosts[0], world._pids)
    for story in list(world.history.stories.values()):
        if story.acknowledged:
            _check_ending(process, story)
    world.scheduler.sleep(world.plan.sweep_seconds + 5 * world.plan.lease_seconds * 5 + 400)
    for _ in range(2):
        with _Doing(process, "reap"):
            process.spool.reap()  # publishes what a dead publisher's key leads to
        with _Doing(process, "get"):
            for job in process.spool.get_jobs(1000, timeout=0):
                job.done()
        with _Doing(process, "prune"):
            process.spool.prune(0, failed=True)
    left = [
        name
        for name in world.disk.everything()
        if name not in _EMPTY and not name.startswith(("sys/journal", "sys/locks/"))
    ]
    if left:
        raise Broken(f"left over when all was pruned and swept: {left}")
    world.lives += len(world.history.stories)


_EMPTY = {
    *("spool.json", "ready", "leased", "delayed", "done", "failed", "logs", "sys", "sys/tmp"),
    *("sys/meta", "sys/history", "sys/keys", "sys/workers", "sys/locks"),
}


def _check_ending(process: Process, story: Any) -> None:
    world = process.world
    places = world.where(story.id)
    if len(places) != 1:
        if places or not story.is_pruned:
            raise Broken(f"I1, I3: {story} is at {places}")
        return
    info = process.spool.get(story.id)
    if info.status not in {JobStatus.DONE, JobStatus.FAILED}:
        raise Broken(f"{story} is {info.status.name} and nobody has it")
    if info.status is JobStatus.FAILED and not story.may_fail and not world.plan.max_attempts:
        raise Broken(f"failed unasked: {story}")
    if story.winner in story.results and info.outcome == "done" and not story.is_pruned:
        told = process.spool.result(story.id)
        # A done that a power loss undid may leave its record and result, both whole.
        # NFS: a holder from before a retry cannot tell the end of the first attempt after it.
        may_be_older = world.plan.injected["power loss"] or (story.retried and world.on_network)
        undone = set(story.results.values()) if may_be_older else set()
        if world.plan.injected["power loss"] and world.plan.durability != "full":
            undone.add(None)  # a record not placed because of an error, and its draft not synced
        if told != story.results[story.winner] and told not in undone:
            raise Broken(f"the winner's result was lost: {told!r} of {story}")
