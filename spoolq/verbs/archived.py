"""Archived jobs as readers find them: by their id, unpacking one member of one day's file."""

from __future__ import annotations

import io
import zipfile
import zlib

from spoolq.disk.filesystem import Foreign
from spoolq.later import log_named
from spoolq.rules import archives, layout
from spoolq.verbs import doubles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.archive")
LOOKS = 3
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError,
)  # fmt: skip
"""What a damaged or foreign zip makes of itself."""


def parts_of(spool: OpenSpool, day: str) -> list[str]:
    """Paths of the files that hold jobs published on a day; one, but while one is being renewed."""
    try:
        found = sorted(spool.fs.list(layout.ARCHIVE))
    except FileNotFoundError:
        return []
    return [f"{layout.ARCHIVE}/{name}" for name in found if archives.day_of_file(name) == day]


def reading(spool: OpenSpool, path: str) -> zipfile.ZipFile:
    """An archive, opened.

    Raises:
        FileNotFoundError, Foreign, zipfile.BadZipFile: not there, or not a zip of ours.
    """
    return zipfile.ZipFile(io.BufferedReader(_Parts(spool, path), 256 * 1024))


def find(spool: OpenSpool, job_id: str) -> tuple[str, dict[str, Any]] | None:
    """The file that holds a job, and the job's values as they stand there; None when none does."""
    for _ in range(LOOKS):
        paths = parts_of(spool, archives.day_of(job_id))
        try:
            for path in paths:
                values = _find_in(spool, path, job_id)
                if values is not None:
                    return path, values
        except FileNotFoundError:
            continue  # RACE: the day's file was renewed meanwhile: look for the new one
        return None
    return None


def _find_in(spool: OpenSpool, path: str, job_id: str) -> dict[str, Any] | None:
    try:
        with reading(spool, path) as opened:
            for info in opened.infolist():
                small = info.file_size <= archives.MOST_MEMBER_BYTES
                if small and archives.may_hold(info.filename, job_id):
                    values = archives.find_line(opened.read(info), job_id)
                    if values is not None:
                        return values
    except FileNotFoundError:
        raise
    except (Foreign, *UNREADABLE) as error:
        _log.warning("%s cannot be read: %s", path, error)
    return None


class _Parts(io.RawIOBase):
    """A file of the spool, read piece by piece through the seam."""

    def __init__(self, spool: OpenSpool, path: str) -> None:
        super().__init__()
        self._fs, self._path, self._at = spool.fs, path, 0
        entry = spool.fs.lstat(path)
        if entry is None:
            raise FileNotFoundError(2, "no such archive", path)
        if entry.links > 1:
            # CRASH: a power cut can give it back the name of its draft (see doubles).
            doubles.drop_drafts(spool, entry.inode, ".archive")
        self._size = entry.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._fs.read_part(self._path, self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
