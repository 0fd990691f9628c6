"""How many CPUs this process may use: affinity and control groups. Reads, never writes."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def usable_cpus(*, root: str = "/") -> int:
    """CPUs by affinity, at most the CPU quota of our control groups (rounded up); at least 1.

    `root` is where `proc` and `sys` are.
    """
    quotas = [_v2_quota(path) for path in _levels(root, _own_group(root, ""))]
    quotas += [_v1_quota(path) for path in _levels(root, _own_group(root, "cpu"), "cpu")]
    return max(1, min([_affinity(), *(math.ceil(quota) for quota in quotas if quota)]))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _own_group(root: str, controller: str) -> str:
    """Our path in the hierarchy of a controller, "" being the only one of version 2."""
    for line in _read(root, "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller in controllers.split(","):
            return path
    return "/"


def _levels(root: str, group: str, *controller: str) -> Iterator[str]:
    """The directories of a group and all above it: the tightest quota counts.

    In a container the path may be the host's; what does not exist just has no quota.
    """
    for mount in ("cpu", "cpu,cpuacct") if controller else ("", "unified"):
        parts = [part for part in group.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            yield os.path.join(root, "sys/fs/cgroup", mount, *parts[:depth])


def _v2_quota(path: str) -> float | None:
    quota, period = [*_read(path, "cpu.max").split(), "", ""][:2]
    return _ratio(quota, period)


def _v1_quota(path: str) -> float | None:
    return _ratio(_read(path, "cpu.cfs_quota_us"), _read(path, "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    """None for `max`, -1, and everything that is no quota."""
    with suppress(ValueError, ZeroDivisionError):
        cpus = float(quota) / float(period)
        return cpus if math.isfinite(cpus) and cpus > 0 else None
    return None


def _read(*path: str) -> str:
    with suppress(OSError, UnicodeDecodeError), open(os.path.join(*path), encoding="utf-8") as file:
        return file.read().strip()
    return ""
