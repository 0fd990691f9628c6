"""Hosts see each other's jobs: consumers that wait, look-ups by id, and what waiting costs."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from nfs.budgets import IDLE_LOOK
from nfs.trial import Failed, Trial, eventually

if TYPE_CHECKING:
    from nfs.guests import Guest
    from nfs.lab import Lab


PATH_LOOK_UPS = 8
"""The directories on the path are looked up anew now and then, whatever is done in them."""


class Actor:
    """support.actor in a guest: calls and answers."""

    def __init__(self, client: Guest, path: str) -> None:
        self._stream = client.spawn(["python3", "-m", "support.actor", path])

    def __call__(self, verb: str, **arguments: Any) -> Any:
        """The answer; an error's class name, as a text, when there was one."""
        kind, value = json.loads(self._stream.ask(json.dumps([verb, arguments])))
        return value if kind == "ok" else kind


def _expect(what: str, got: object, wanted: object) -> None:
    if got != wanted:
        raise Failed(f"{what}: {got}, not {wanted}")


def looks_are_true(lab: Lab, scale: int) -> str:
    """One host's look-ups tell at once what another has just done, however often it looked before."""
    trial = Trial(lab, "looks", "--lease-seconds", "60")
    trial.init(lab.clients[0])
    here, there = (Actor(client, trial.path) for client in lab.clients[:2])
    for number in range(6 * scale):
        job_id = here("publish", text="task", key=f"k{number}")
        _expect("published", there("get", job_id=job_id)["status"], "READY")
        _expect("key", there("publish", text="other", key=f"k{number}"), job_id)
        _expect("taken", here("get_job", timeout=0)["id"], job_id)
        _expect("taken", there("get", job_id=job_id)["status"], "PROCESSING")
        _expect("nothing left", there("get_job", timeout=0), "Empty")
        here("extend", job_id=job_id, seconds=500)
        due = there("get", job_id=job_id)["next"] - time.time()
        if not 400 < due < 520:
            raise Failed(f"renewed for 500 s here, seen there to end in {due:.0f} s")
        here("done", job_id=job_id)
        _expect("done", there("get", job_id=job_id)["status"], "DONE")
        job_id = here("publish", text="task")
        there("cancel", job_id=job_id)
        _expect("cancelled", here("get_job", timeout=0), "Empty")
        _expect("cancelled", here("get", job_id=job_id)["status"], "DONE")
    return f"{6 * scale} rounds; {_pause_is_heard(trial, lab, here, there)}"


def _pause_is_heard(trial: Trial, lab: Lab, here: Actor, there: Actor) -> str:
    spoolq = ["python3", "-m", "spoolq", "-s", trial.path]
    _expect("not paused", there("get_job", timeout=0), "Empty")
    lab.clients[0].run([*spoolq, "pause", "--reason", "test"])
    time.sleep(1.1)  # the poll cap, by which it must be known
    job_id = here("publish", text="task")
    _expect("paused by another host", there("get_job", timeout=0), "Empty")
    lab.clients[0].run([*spoolq, "resume"])
    _expect("resumed by another host", there("get_job", timeout=20)["id"], job_id)
    return "a pause is heard within a poll"


def taken_within_the_poll_cap(lab: Lab, scale: int) -> str:
    """A consumer takes another host's task at its first look after the publish (NFS 3: second)."""
    count = 20 * scale
    trial = Trial(lab, "wake", "--lease-seconds", "60")
    trial.init(lab.clients[0])
    waiting = lab.clients[1].spawn(["python3", "-m", "nfs.waits", trial.path, str(count)])
    eventually(lambda: any(" waits" in line for line in waiting.lines), "the consumer to start")
    publisher = trial.start(lab.clients[0], "publish", count=count, pause=0.9, cancel=0)
    waiting.wait(60 + 3 * count)
    publisher.wait(60)
    published = {words[2]: int(words[0]) for words in _words(publisher.lines, "published")}
    looks = [int(words[0]) for words in _words(waiting.lines, "looks")]
    has = {words[2]: int(words[0]) for words in _words(waiting.lines, "has")}
    seconds, needed = [], []
    for job_id in has.keys() & published.keys():
        between = [at for at in looks if published[job_id] < at < has[job_id]]
        needed.append(len(between))
        seconds.append(max(0.0, (has[job_id] - published[job_id]) / lab.ticks_per_second))
    if max(needed) > (2 if lab.version.startswith("3") else 1):
        raise Failed(f"looks that it took after the publish had returned: {sorted(needed)}")
    marks = statistics.quantiles(seconds, n=100)
    return (
        f"{len(seconds)} tasks, p50 {marks[49]:.3f} s, p99 {marks[98]:.3f} s, "
        f"found at the first look {sum(n <= 1 for n in needed)} times"
    )


def _words(lines: list[str], verb: str) -> list[list[str]]:
    return [words for words in map(str.split, lines) if words[1:2] == [verb]]


def idle_consumers(lab: Lab, _scale: int) -> str:
    """Waiting costs one request for each look at ready/, and few looks."""
    trial = Trial(lab, "idle", "--lease-seconds", "60")
    trial.init(lab.clients[0])
    lines = lab.clients[1].run(["python3", "-m", "nfs.requests", "idle", trial.path], seconds=150)
    told = json.loads(lines[-1])
    looks, listings = told["listings"]["ready"], sum(told["listings"].values())
    requests = sum(told["requests"].values())
    spent = f"{requests} requests {told['requests']} for {listings} listings, {looks} of ready/"
    touches = told["requests"].get("SETATTR", 0)
    if "noac" not in lab.options and requests - touches > IDLE_LOOK * listings + PATH_LOOK_UPS:
        raise Failed(spent)
    if looks > told["seconds"] / 0.75 + 2:
        raise Failed(f"{looks} looks in {told['seconds']} s is more than one a poll")
    return f"{spent} in {told['seconds']:g} s"
