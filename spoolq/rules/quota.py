"""Whether a spool has room for more tasks, from what was counted last. Pure."""

from __future__ import annotations

from spoolq.shapes import NamedTuple

NEAR_SHARE = 0.8
FAR_SECONDS, NEAR_SECONDS = 10.0, 1.0
"""How old a count may be while there is much room, and while there is little."""
COUNTING_SHARE = 20.0
"""A count that took t seconds is good for 20 t at least: at most 5 % of the time goes into it."""


class Limits(NamedTuple):
    """The settings max_waiting and max_bytes; 0: no limit."""

    jobs: int
    size_bytes: int

    def why_never(self, jobs: int, size: int) -> str | None:
        """Why so much does not even fit into an empty spool, None when it does."""
        if 0 < self.jobs < jobs:
            return f"{jobs} tasks at once are over max_waiting={self.jobs}"
        if 0 < self.size_bytes < size:
            return f"{size} bytes at once are over max_bytes={self.size_bytes}"
        return None

    def why_full(self, jobs: int, size: int) -> str | None:
        """Why so much waiting, the new tasks included, is over the limits; None: it is not."""
        if 0 < self.jobs < jobs:
            return f"{jobs} jobs would wait, over max_waiting={self.jobs}"
        if 0 < self.size_bytes < size:
            return f"tasks of {size} bytes would wait, over max_bytes={self.size_bytes}"
        return None

    def good_for_seconds(self, jobs: int, size: int, counting_seconds: float) -> float:
        """How long a count of so much may be gone by."""
        shares = [jobs / self.jobs if self.jobs else 0.0]
        shares.append(size / self.size_bytes if self.size_bytes else 0.0)
        usual = NEAR_SECONDS if max(shares) >= NEAR_SHARE else FAR_SECONDS
        return max(usual, COUNTING_SHARE * counting_seconds)
