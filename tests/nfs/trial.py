"""One spool on the lab's server, the processes that work on it, and the verdict over them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from nfs import load
from nfs.history import History
from nfs.lab import each
from nfs.machine import CACHE

if TYPE_CHECKING:
    from collections.abc import Callable

    from nfs.guests import Guest, Stream
    from nfs.lab import Lab

LEASE_SECONDS = 6.0
PATIENCE_SECONDS = 150.0
"""Longer than anything takes on a loaded machine; only a broken run waits so long."""


class Failed(Exception):
    """A scenario did not hold what spoolq promises; or did not get as far as to show it."""


def eventually(
    condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until something is so."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            raise Failed(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)


class Trial:
    """A new spool under one of the exports, and what happens to it."""

    def __init__(self, lab: Lab, name: str, *settings: str, export: str = "spool") -> None:
        self.lab = lab
        self.path = f"/mnt/{export}/{name}"
        self._server_path = f"/srv/{export}/{name}"
        self._streams: dict[str, Stream] = {}
        self._publishers: list[Stream] = []
        self.consumers: list[Stream] = []
        self._settings = ["--lease-seconds", str(LEASE_SECONDS), *settings]

    def init(self, client: Guest, *, user: str = "") -> None:
        """Make the spool."""
        words = ["python3", "-m", "spoolq", "init", *self._settings, self.path]
        client.run([*(["setpriv", *user.split()] if user else []), *words])
        each(self.lab.clients, lambda guest: guest.shell(f"rm -f {load.STOP}"))

    # ----- processes

    def start(self, client: Guest, role: str, **wanted: object) -> Stream:
        """Start one process on a client."""
        number = len(self._streams)
        pairs = [f"{key}={value}" for key, value in wanted.items()]
        argv = ["python3", "-m", "nfs.load", role, self.path, str(number), *pairs]
        stream = client.spawn(argv)
        self._streams[f"{client.name}:{role}{number}"] = stream
        if role == "publish":
            self._publishers.append(stream)
        elif role == "consume":
            self.consumers.append(stream)
        return stream

    def start_everywhere(self, count: int, consumers: int = 2, **wanted: object) -> None:
        """One publisher of `count` tasks and some consumers on each client."""
        for client in self.lab.clients:
            self.start(client, "publish", count=count, **wanted)
            for _ in range(consumers):
                self.start(client, "consume", **wanted)

    def said(self, verb: str) -> int:
        """How many lines of this verb there are by now."""
        return sum(line.split()[1:2] == [verb] for s in self._streams.values() for line in s.lines)

    def until_said(self, verb: str, times: int) -> None:
        """Wait until the load has got so far."""
        eventually(lambda: self.said(verb) >= times, f"{times} times {verb!r} ({self._tails()})")

    def _tails(self) -> str:
        return "; ".join(f"{name}: {s.lines[-1:]}" for name, s in self._streams.items())

    # ----- the end

    def listed(self, directory: str) -> list[str]:
        """The server's own view of a state directory."""
        return self.lab.server.shell(f"ls -U {self._server_path}/{directory}")

    def drain(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until all is published and nothing waits or is held; then stop the consumers."""
        for stream in self._publishers:
            stream.wait(seconds)
        eventually(self._is_empty, "all jobs to end", seconds)
        each(self.lab.running_clients, lambda guest: guest.shell(f"touch {load.STOP}"))
        for stream in self.consumers:
            stream.wait(seconds)

    def _is_empty(self) -> bool:
        return not any(
            name
            for directory in ("ready", "delayed", "leased")
            for name in self.listed(directory)
            if not name.endswith((".lease", ".grace"))
        )

    def judge(self, *, doctor: Guest | None = None, finished: bool = True) -> str:
        """The figures of a good history. Raises Failed with the first violations of a bad one."""
        lines = {name: stream.lines for name, stream in self._streams.items()}
        history = History(lines, self.lab.ticks_per_second)
        ended = {name.partition(".")[0] for name in self.listed("done")}
        found = list(history.violations(ended))
        for name, stream in self._streams.items():
            if finished and stream.status not in {0, None}:
                found.append(f"{name} ended with status {stream.status}")
        if doctor is not None:
            found += self._findings(doctor)
        if found:
            told = self._dump(found)
            raise Failed(f"{len(found)} violations (all lines in {told}): " + "; ".join(found[:5]))
        counts = history.counts
        return (
            f"{history.published} published, {counts.get('took', 0)} deliveries, "
            f"{history.redelivered} jobs more than once, {counts.get('lost', 0)} leases lost, "
            f"{counts.get('cancelled', 0)} cancels"
        )

    def _dump(self, found: list[str]) -> str:
        """Write down everything that was said, for whoever has to find out why."""
        path = CACHE / f"failed-{self.path.rpartition('/')[2]}"
        lines = [f"{name} {line}" for name, s in self._streams.items() for line in s.lines]
        path.write_text("\n".join([*found, *sorted(lines, key=lambda line: line.split()[1:2])]))
        return str(path)

    def _findings(self, client: Guest) -> list[str]:
        """What the doctor finds afterwards: nothing that needs a hand."""
        spoolq = ["python3", "-m", "spoolq", "-s", self.path]
        client.run([*spoolq, "reap"])
        told = client.run([*spoolq, "doctor", "--json"], check=False)
        findings = [json.loads(line) for line in told if line.startswith("{")]
        return [
            f"doctor: {each['path']}: {each['what']}"
            for each in findings
            if "clock" not in each["what"]  # set wrong on purpose
            and "/.nfs" not in each["path"]  # a client's own: it removes them when it can
        ]
