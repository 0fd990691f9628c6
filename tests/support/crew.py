"""Heartbeat records of workers, as a running worker would leave them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spoolq.rules import records

if TYPE_CHECKING:
    from spoolq import Spool


def heartbeat(
    spool: Spool, name: str = "alpha-4711-ABCDEFGH22", *, ago: float = 0.0, n: int = 1, **more: Any
) -> dict[str, Any]:
    """Write record number `n` of a worker, made `ago` seconds ago; what is in it."""
    host, pid, _ = name.rsplit("-", 2)
    now = time.time()
    record = {
        "worker": name,
        "host": host,
        "pid": int(pid),
        "slots": 4,
        "since": records.to_iso(now - 3600),
        "at": records.to_iso(now - ago),
        "every_seconds": 10.0,
        "draining": False,
        "done": 0,
        "failed": 0,
        "running": [],
        "version": "0.1.0",
        **more,
    }
    (Path(spool.path) / "sys/workers" / f"{name}.{n}").write_text(json.dumps(record) + "\n")
    return record
