"""How much memory this process uses."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress


def resident_bytes() -> int:
    """Resident memory now, where Linux tells; elsewhere the most there ever was."""
    with suppress(OSError, ValueError, IndexError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
