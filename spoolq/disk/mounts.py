"""What kind of file system a path is on, and whether other hosts may change it."""

from __future__ import annotations

import os
import re

NETWORK_TYPES = frozenset(
    (
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "9p",
        "afs",
        "ceph",
        "lustre",
        "gpfs",
        "beegfs",
        "glusterfs",
        "ocfs2",
        "gfs2",
        "pvfs2",
        "orangefs",
        "virtiofs",
        "vboxsf",
        "prl_fs",
        "davfs",
        "acfs",
        "panfs",
        "wekafs",
    )
)
_LOCAL_FUSE = frozenset(("fuse.ext2", "fuse.ntfs", "fuse.exfat", "fuse.bindfs", "fuseblk"))


def filesystem_type(path: str) -> str:
    """The type of the file system that holds `path`, "unknown" where the system does not tell."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            lines = table.readlines()
    except OSError:
        return "unknown"
    return _type_at(os.path.realpath(path), lines)


def _type_at(path: str, lines: list[str]) -> str:
    best, best_type = -1, "unknown"
    for line in lines:
        left, separator, right = line.partition(" - ")
        fields = left.split()
        if not separator or len(fields) < 5:
            continue
        point = _unescaped(fields[4])
        # The last of equal mount points is on top of the others.
        if len(point) >= best and _holds(point, path):
            best, best_type = len(point), right.split()[0]
    return best_type


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _holds(point: str, path: str) -> bool:
    return point in {"/", path} or path.startswith(point + "/")


def is_network_type(filesystem: str) -> bool:
    """Whether events of other hosts are missed there; a stranger is taken for one."""
    if filesystem.startswith("fuse"):
        return filesystem not in _LOCAL_FUSE
    return filesystem in NETWORK_TYPES
