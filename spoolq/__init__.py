"""spoolq: a job queue whose server is a directory.

Layout, lowest floor first: `errors`, `jobs`, `interfaces` (words), `rules` (decisions),
`disk` (files), `verbs` (the moves) and `waiting`, `holding` (leases), `queue` (the Spool),
`worker` and `upkeep`, `cli`. What is exported here is the public API; the rest may change.
"""

from __future__ import annotations

from spoolq.later import module_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.errors import (
        Closed,
        Empty,
        Full,
        InvalidName,
        InvalidSetting,
        InvalidTask,
        LeaseLost,
        PublishOnly,
        SpoolDamaged,
        SpoolExists,
        SpoolNotFound,
        SpoolqError,
        SpoolUnsafe,
        SpoolUntrusted,
        SpoolVersionUnsupported,
        StorageError,
        StorageFull,
        UnknownJob,
    )
    from spoolq.holding.job import Job
    from spoolq.holding.keepalive import KeepAlive
    from spoolq.interfaces import JobController, Queue, TaskPublisher
    from spoolq.jobs import JobInfo, JobStatus, PruneReport, ReapReport, Stats
    from spoolq.queue import Spool
    from spoolq.rules.settings import Settings

__all__ = [
    "Closed",
    "Empty",
    "Full",
    "InvalidName",
    "InvalidSetting",
    "InvalidTask",
    "Job",
    "JobController",
    "JobInfo",
    "JobStatus",
    "KeepAlive",
    "LeaseLost",
    "PruneReport",
    "PublishOnly",
    "Queue",
    "ReapReport",
    "Settings",
    "Spool",
    "SpoolDamaged",
    "SpoolExists",
    "SpoolNotFound",
    "SpoolUnsafe",
    "SpoolUntrusted",
    "SpoolVersionUnsupported",
    "SpoolqError",
    "Stats",
    "StorageError",
    "StorageFull",
    "TaskPublisher",
    "UnknownJob",
]
__version__ = "0.1.0"

# Each name is imported when it is asked for: who only publishes starts in half the time.
_HOMES = {
    "Job": "holding.job",
    "JobController": "interfaces",
    "JobInfo": "jobs",
    "JobStatus": "jobs",
    "KeepAlive": "holding.keepalive",
    "PruneReport": "jobs",
    "Queue": "interfaces",
    "ReapReport": "jobs",
    "Settings": "rules.settings",
    "Spool": "queue",
    "Stats": "jobs",
    "TaskPublisher": "interfaces",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'spoolq' has no attribute {name!r}")
    value = getattr(module_named(f"spoolq.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
