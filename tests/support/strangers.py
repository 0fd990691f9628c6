"""Foreign things for a spool's directories, and whether they were left alone (I8)."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = b"what no task may ever show"


def fifo(place: Path, _canary: Path) -> None:
    """A pipe: opening it to read would wait for ever."""
    os.mkfifo(place)


def socket_file(place: Path, _canary: Path) -> None:
    """A socket."""
    here = os.open(place.parent, os.O_RDONLY)
    try:  # by a short path: a socket's address has 108 bytes
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{here}/{place.name}")
    finally:
        os.close(here)


def device(place: Path, _canary: Path) -> None:
    """/dev/zero under another name; only root can make it."""
    os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 5))


def directory(place: Path, _canary: Path) -> None:
    """A directory, with something in it."""
    place.mkdir()
    (place / "inside").write_bytes(SECRET)


def link_to_file(place: Path, canary: Path) -> None:
    """A symbolic link to a file outside."""
    place.symlink_to(canary)


def link_to_passwd(place: Path, _canary: Path) -> None:
    """A symbolic link to a file that everybody can read."""
    place.symlink_to("/etc/passwd")


def dangling_link(place: Path, _canary: Path) -> None:
    """A symbolic link to nothing."""
    place.symlink_to("/nowhere/at/all")


def looping_link(place: Path, _canary: Path) -> None:
    """A symbolic link to itself."""
    place.symlink_to(place.name)


def hard_link(place: Path, canary: Path) -> None:
    """Another name of a file outside."""
    place.hardlink_to(canary)


IRREGULAR: dict[str, Callable[[Path, Path], None]] = {
    "fifo": fifo,
    "socket": socket_file,
    "directory": directory,
    "link-to-file": link_to_file,
    "link-to-passwd": link_to_passwd,
    "dangling-link": dangling_link,
    "looping-link": looping_link,
}
if os.geteuid() == 0:
    IRREGULAR["device"] = device

STRANGE_NAMES = [
    b".hidden",
    b".nfs000000000001a2b300000001",
    b"README",
    b"core",
    b"new\nline",
    b"\x1b[31mred\x1b[0m",
    b"\xff\xfe not utf-8",
    b"-rf",
    b"x" * 255,
    b"a b",
    b"5-20260101T000000000000-AAAAAAAA~",
    b"5-20260101T000000000000-AAAAAAAA.1.2.3.4",
    b"5-20260101T000000000000-short",
    b"5-20260101T000000000000-AAAAAAAA.-1",
    b"5-20260101T000000000000-AAAAAAAA.99999999999999999999",
    b"99999999T999999999999.5-20260101T000000000000-AAAAAAAA",
    b"..lease",
    b".lease",
    b"$(touch pwned)",
    b"lease",
    b"host-1-AAAAAAAA.lease.lease",
]


def fingerprint(place: Path | bytes) -> tuple[object, ...]:
    """What must stay as it is: kind, inode, mode, times of change, target or content."""
    status = os.lstat(place)
    inside: object = None
    if stat.S_ISLNK(status.st_mode):
        inside = os.readlink(place)
    elif stat.S_ISDIR(status.st_mode):
        inside = sorted(os.listdir(place))
    elif stat.S_ISREG(status.st_mode):
        inside = Path(os.fsdecode(place)).read_bytes()
    kept = (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns)
    return (*kept, inside)
