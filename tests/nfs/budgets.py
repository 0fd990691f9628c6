"""Requests over NFS: what the lab allows each move, and what the benchmarks' page tells of it."""

from __future__ import annotations

BATCH = 64

MOVES = {  # docs/filesystems.md says what they consist of
    "publish": 4,
    "claim": 7,
    "renew": 5,
    "done": 2,
    f"claim of {BATCH}": 3 + 4 * BATCH + 1,
    f"done of {BATCH}": BATCH + 1,
}
"""Requests at most, in whole numbers: rarer ones (a path looked up anew) are shared by many moves."""

IDLE_LOOK = 1
"""Requests of a look that finds nothing changed."""
