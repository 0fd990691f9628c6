"""One clock for the host and all guests: the processor's time stamp counter.

The guests' own clocks drift apart and are set wrong on purpose. But a User-Mode Linux guest runs
its programs on the host's processor, whose counter nobody virtualises for it: what `ticks()` tells in
one guest can be compared with what it tells in another.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import time

_CODE = bytes.fromhex("0f01f9 48c1e220 4809d0 c3")  # rdtscp; shl rdx,32; or rax,rdx; ret
_page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
_page.write(_CODE)
_address = ctypes.addressof(ctypes.c_char.from_buffer(_page))
ticks = ctypes.CFUNCTYPE(ctypes.c_uint64)(_address)
"""The counter now. (rdtscp clobbers rcx, which a function may.)"""


def ticks_per_second(seconds: float = 0.5) -> float:
    """How fast the counter runs, measured against the host's monotonic clock."""
    first, first_ticks = time.monotonic(), ticks()
    time.sleep(seconds)
    return (ticks() - first_ticks) / (time.monotonic() - first)


def processors_agree(rounds: int = 200) -> bool:
    """Whether the counter never runs backwards from one processor to the next."""
    usable = sorted(os.sched_getaffinity(0))
    last = 0
    try:
        for number in range(rounds):
            os.sched_setaffinity(0, {usable[number % len(usable)]})
            now = ticks()
            if now < last:
                return False
            last = now
    finally:
        os.sched_setaffinity(0, usable)
    return True
