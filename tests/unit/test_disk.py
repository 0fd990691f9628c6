"""The real file system behind the seam: modes whatever the umask, and nothing foreign is read."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

import pytest

from spoolq.disk import mounts
from spoolq.disk.atomic import move, place_whole, write_new
from spoolq.disk.clock import ServerClock
from spoolq.disk.filesystem import Foreign, OsFileSystem, TooLarge
from spoolq.disk.weather import PatientFileSystem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize(
    ("group", "file_mode", "dir_mode"), [(0, 0o600, 0o700), (1, 0o660, 0o2770)]
)
def test_modes_are_the_spools_whatever_the_umask(
    tmp_path: Path, umask: int, group: int, file_mode: int, dir_mode: int
) -> None:
    fs = OsFileSystem(str(tmp_path), group=bool(group))
    before = os.umask(umask)
    try:
        handle, _ = fs.create("file")
        fs.close(handle)
        fs.mkdir("dir")
    finally:
        os.umask(before)
    assert os.stat(tmp_path / "file").st_mode & 0o7777 == file_mode
    assert os.stat(tmp_path / "dir").st_mode & 0o7777 == dir_mode


def test_modes_are_the_spools_when_the_umask_changes_between_two_files(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path), group=True)
    before = os.umask(0)
    try:
        fs.close(fs.create("first")[0])
        os.umask(0o777)
        fs.close(fs.create_unstamped("second"))
    finally:
        os.umask(before)
    assert os.stat(tmp_path / "second").st_mode & 0o7777 == 0o660


@pytest.mark.guarantee("I8")
def test_nothing_foreign_is_read_or_followed(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    (tmp_path / "target").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    os.link(tmp_path / "target", tmp_path / "hard")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("link", "loop", "dangling", "directory", "fifo", "hard", "socket"):
            with pytest.raises(Foreign):
                fs.read(name, 100)
            with pytest.raises(Foreign):
                fs.read_part(name, 0, 100)


def test_file_over_the_limit_is_told_from_a_foreign_one(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    (tmp_path / "big").write_bytes(b"x" * 101)
    with pytest.raises(TooLarge):
        fs.read("big", 100)
    assert fs.read("big", 101) == b"x" * 101


def test_a_growing_file_is_read_in_parts(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    (tmp_path / "log").write_bytes(b"abcdef")
    assert fs.read_part("log", 2, 3) == b"cde"
    assert fs.read_part("log", 2, 100) == b"cdef"
    assert fs.read_part("log", 6, 100) == b""
    with (tmp_path / "log").open("ab") as log:
        log.write(b"gh")
    assert fs.read_part("log", 6, 100) == b"gh"


def test_failed_write_leaves_no_file_behind(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    fs.sync = _refuse  # type: ignore[method-assign]
    with pytest.raises(OSError, match="No space") as caught:
        write_new(fs, ServerClock(fs), "file", b"data", sync=True)
    assert caught.value.filename == "file"
    assert list(tmp_path.iterdir()) == []


def _refuse(handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.guarantee("I2")
def test_move_of_a_missing_source_changes_nothing(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    (tmp_path / "target").write_bytes(b"kept")
    assert move(fs, "source", "target") is False
    assert (tmp_path / "target").read_bytes() == b"kept"


def test_placing_is_exclusive_and_leaves_no_draft(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    for name, wins in (("one", True), ("two", False)):
        (tmp_path / name).write_text(name)
        assert place_whole(fs, name, "target") is wins
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target").read_text() == "one"


@pytest.mark.guarantee("I2")
def test_lost_reply_of_a_rename_on_a_network_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from" / "x").touch()
    fs = OsFileSystem(str(tmp_path), is_network=True)
    fs.rename("from/x", "to/x")  # its reply never came; the client asks again:
    assert move(fs, "from/x", "to/x") is True
    assert move(fs, "from/y", "to/y") is False


def test_passing_errors_are_sat_out_and_lasting_ones_told(tmp_path: Path) -> None:
    fs = OsFileSystem(str(tmp_path))
    troubles = [errno.ESTALE, errno.EIO, errno.ETIMEDOUT]
    plain, slept = fs.rename, []

    def rename(source: str, target: str) -> None:
        if troubles:
            raise OSError(troubles.pop(), "weather")
        plain(source, target)

    fs.rename = rename  # type: ignore[method-assign]
    (tmp_path / "a").touch()
    patient = PatientFileSystem(fs, sleep=slept.append)
    patient.rename("a", "b")
    assert (tmp_path / "b").exists()
    assert slept == [0.05, 0.1, 0.2]
    troubles[:] = [errno.EACCES]
    with pytest.raises(PermissionError):
        patient.rename("b", "c")
    troubles[:] = [errno.EIO] * 100
    with pytest.raises(OSError, match="weather"):
        patient.rename("b", "c")
    assert sum(slept) < 60


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/spool", "nfs4"),
        ("/data", "nfs4"),
        ("/database", "ext4"),
        ("/with space/x", "tmpfs"),
        ("/over/x", "xfs"),
    ],
)
def test_file_system_type_is_that_of_the_closest_mount(path: str, expected: str) -> None:
    table = [
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        "2 1 0:50 / /data rw,relatime - nfs4 server:/x rw,vers=4.2",
        "3 1 0:51 / /with\\040space rw - tmpfs tmpfs rw",
        "4 1 0:52 / /over rw - tmpfs tmpfs rw",
        "5 1 0:53 / /over rw - xfs /dev/sdb rw",
        "garbage",
    ]
    assert mounts._mount_at(path, table).type == expected


@pytest.mark.parametrize(
    ("kind", "network"),
    [("ext4", False), ("nfs", True), ("nfs4", True), ("fuse.sshfs", True), ("tmpfs", False)],
)
def test_network_file_systems_are_polled(kind: str, network: bool) -> None:
    assert mounts.is_network_type(kind) is network
