"""Room for the descriptors of many commands at once."""

from __future__ import annotations

import resource
from contextlib import suppress

# Two pipes, and two logs with the rings for their ends.
_PER_COMMAND, _OTHERS = 6, 100


def make_room(slots: int) -> None:
    """Raise this process's soft limit as far as so many commands need and the hard one allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = slots * _PER_COMMAND + _OTHERS
    if resource.RLIM_INFINITY in {soft, hard} or soft >= min(wanted, hard):
        return
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
