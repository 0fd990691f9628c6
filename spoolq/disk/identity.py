"""Who and where this process is: user, groups, host, pid, absolute paths."""

from __future__ import annotations

import os
from os import PathLike

__all__ = [
    "PathLike",
    "absolute",
    "host_name",
    "may_trust_owner",
    "process_id",
    "program",
    "trusts_everything",
]


def absolute(path: str | PathLike[str]) -> str:
    """The path as an absolute one; symbolic links in it are kept."""
    return os.path.abspath(os.fspath(path))


def program(python: str) -> list[str]:
    """What a shell starts this spoolq by: a checkout's wrapper, an installed one, or Python's -m."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for place in (os.path.join(os.path.dirname(package), "bin"), os.path.dirname(python)):
        candidate = os.path.join(place, "spoolq")
        if os.access(candidate, os.X_OK):
            return [candidate]
    return [python, "-m", "spoolq"]


def host_name() -> str:
    """This host's name, as people know it."""
    return os.uname().nodename or "host"


process_id = os.getpid
"""The pid, asked anew each time because of forks."""


def trusts_everything() -> bool:
    """Whether the user said, by SPOOLQ_TRUST=1, that the spool's owner is to be trusted."""
    return os.environ.get("SPOOLQ_TRUST") == "1"


def may_trust_owner(uid: int, gid: int, *, group: bool) -> bool:
    """Whether a directory's owner is us or root, or, in a group-shared spool, its group ours."""
    if uid in {os.geteuid(), 0}:
        return True
    return group and (gid in os.getgroups() or gid == os.getegid())
