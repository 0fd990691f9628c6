"""Peers' own processes: `python -m tests.benchmarks.roles ROLE KIND FOLDER PORT ARGUMENT...`.

As spoolq.bench.processes: each prints `ready`, waits for a line, and ends with one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from spoolq.bench.processes import emptying, ready
from tests.benchmarks.peers import LIBRARIES, Peer
from tests.benchmarks.servers import SERVERS
from tests.benchmarks.subjects import OURS

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: dict[str, type[Peer]] = {kind.__name__: kind for kind in (*OURS, *LIBRARIES, *SERVERS)}
PATIENCE_SECONDS = 30.0


def _empty(peer: Peer, share: str) -> dict[str, Any]:
    """One of several consumers."""
    ready()
    return emptying(peer.drain(float(share)))


def _wake(peer: Peer, count: str) -> dict[str, Any]:
    """Wait for tasks that hold the time of their publishing; a line as each has come."""
    late = []
    ready()
    for _ in range(int(count)):
        sent = int(peer.wait(PATIENCE_SECONDS))
        late.append((time.monotonic_ns() - sent) / 1e6)
        sys.stdout.write("taken\n")
        sys.stdout.flush()
    return {"milliseconds": late}


ROLES: dict[str, Callable[..., dict[str, Any]]] = {"empty": _empty, "wake": _wake}


def main(role: str, kind: str, folder: str, port: str, *arguments: str) -> None:
    """Open the queue, play the role, tell."""
    peer = KINDS[kind](folder, int(port))
    told = ROLES[role](peer, *arguments)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    peer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
