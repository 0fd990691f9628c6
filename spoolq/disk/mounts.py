"""What kind of file system a path is on, how it is mounted, and whether other hosts may change it."""

from __future__ import annotations

import os

from spoolq.shapes import NamedTuple

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
_SOFT = frozenset(("soft", "softerr"))


class Mount(NamedTuple):
    """A line of the mount table: where, of which type, from where, with which options."""

    point: str
    type: str
    source: str
    options: tuple[str, ...]

    @property
    def is_network(self) -> bool:
        """Whether events of other hosts are missed there; a stranger is taken for one."""
        return is_network_type(self.type)

    @property
    def is_nfs(self) -> bool:
        """Whether this is the kernel's NFS client."""
        return self.type in {"nfs", "nfs4"}

    @property
    def gives_up(self) -> bool:
        """Whether the kernel reports an error when an NFS server is silent for long (soft)."""
        return self.is_nfs and not _SOFT.isdisjoint(self.options)


UNKNOWN = Mount("/", "unknown", "", ())


def mount_at(path: str) -> Mount:
    """The mount that holds `path`, or would hold it; UNKNOWN where the system does not tell."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            lines = table.readlines()
    except OSError:
        return UNKNOWN
    return _mount_at(os.path.realpath(path), lines)


def filesystem_type(path: str) -> str:
    """The type of the file system that holds `path`, "unknown" where the system does not tell."""
    return mount_at(path).type


def allows_soft() -> bool:
    """Whether the user said, by SPOOLQ_ALLOW_SOFT=1, that soft mounts will do on this host."""
    return os.environ.get("SPOOLQ_ALLOW_SOFT") == "1"


def kernel() -> str:
    """The running kernel, as `uname -sr` tells it."""
    told = os.uname()
    return f"{told.sysname} {told.release}"


def _mount_at(path: str, lines: list[str]) -> Mount:
    best, found = -1, UNKNOWN
    for line in lines:
        left, separator, right = line.partition(" - ")
        fields, more = left.split(), right.split()
        if not separator or len(fields) < 6 or not more:
            continue
        point = _unescaped(fields[4])
        # The last of equal mount points is on top of the others.
        if len(point) >= best and _holds(point, path):
            source = _unescaped(more[1]) if len(more) > 1 else ""
            told = [fields[5], *more[2:3]]
            options = tuple(dict.fromkeys(",".join(told).split(",")))
            best, found = len(point), Mount(point, more[0], source, options)
    return found


def _unescaped(field: str) -> str:
    """A field of the mount table, in which a blank is a backslash and three octal digits."""
    first, *others = field.split("\\")
    return first + "".join(map(_after_backslash, others))


def _after_backslash(text: str) -> str:
    digits = text[:3]
    if len(digits) == 3 and set(digits) <= set("01234567"):
        return chr(int(digits, 8)) + text[3:]
    return "\\" + text


def _holds(point: str, path: str) -> bool:
    return point in {"/", path} or path.startswith(point + "/")


def is_network_type(filesystem: str) -> bool:
    """Whether events of other hosts are missed there; a stranger is taken for one."""
    if filesystem.startswith("fuse"):
        return filesystem not in _LOCAL_FUSE
    return filesystem in NETWORK_TYPES
