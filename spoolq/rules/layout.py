"""Which directory holds what, relative to the spool. Format version."""

from __future__ import annotations

FORMAT = 1

SETTINGS = "spool.json"
READY = "ready"
LEASED = "leased"
DELAYED = "delayed"
DONE = "done"
FAILED = "failed"
LOGS = "logs"
QUARANTINE = "quarantine"
ARCHIVE = "archive"
SYS = "sys"
TMP = "sys/tmp"
META = "sys/meta"
HISTORY = "sys/history"
KEYS = "sys/keys"
WORKERS = "sys/workers"
LOCKS = "sys/locks"
JOURNAL = "sys/journal"
PAUSED = "sys/paused"

STATES = (READY, DELAYED, LEASED, DONE, FAILED)
DIRECTORIES = (
    READY,
    LEASED,
    DELAYED,
    DONE,
    FAILED,
    LOGS,
    SYS,
    TMP,
    META,
    HISTORY,
    KEYS,
    WORKERS,
    LOCKS,
)
"""Every directory that `init` makes, parents first; what is not here is made when needed."""


def sidecar(lease: str) -> str:
    """Path of the sidecar that states a lease's deadline."""
    return f"{LEASED}/{lease}.lease"


def grace(lease: str) -> str:
    """Path of the full term granted to a lease whose sidecar cannot be read."""
    return f"{LEASED}/{lease}.grace"


def meta(job_id: str) -> str:
    """Path of the write-once options of a job that has any."""
    return f"{META}/{job_id}"
