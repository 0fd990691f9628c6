"""The seam: every file operation of spoolq goes through a `FileSystem`.

Names are relative to the spool. Operations are single system calls or the shortest safe
sequence; they raise OSError with the name in it. Tests put wrappers here that count, fail,
reorder and crash each one.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits

from spoolq.shapes import NamedTuple, Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_OURS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | _NOT_OURS
_WRITE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE = 0o600
_KIND, _REGULAR = 0o170000, stat_bits.S_IFREG
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NOT_OURS


class Foreign(Exception):
    """What stands under a name is not a file of ours: `name` and `reason`. Left where it is."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason


class TooLarge(Foreign):
    """A regular file, but larger than the caller wants to read."""


class Entry(NamedTuple):
    """What lstat tells: `kind` is "file", "directory", "link" or "other"; times in seconds."""

    kind: str
    size: int
    modified_at: float
    changed_at: float
    mode: int
    uid: int
    gid: int
    links: int
    inode: int


class FileSystem(Protocol):
    """About a dozen operations on names relative to one spool."""

    @property
    def root(self) -> str:
        """The spool's absolute path."""

    @property
    def is_network(self) -> bool:
        """Whether other hosts may change this file system and replies may get lost."""

    def create(self, name: str) -> tuple[int, float]:
        """Create a new file, with the spool's mode whatever the umask.

        Exclusively, but on NFS: its name must be one that never was.

        Returns the handle and the time that the server stamped on the new file, in seconds.
        """

    def create_unstamped(self, name: str) -> int:
        """As `create` a moment ago, for who knows the time; only the handle.

        Asking for a stamp makes newer Linux (multigrain timestamps) stamp the write that follows
        again, and costs a publish 6 us.
        """

    def append(self, name: str) -> int:
        """Open a log for appending, made with the spool's mode when it is missing; its handle."""

    def write(self, handle: int, data: bytes) -> None:
        """Write all of `data`."""

    def write_back(self, handle: int) -> None:
        """Begin to bring the contents to the disk, without waiting: a hint, it promises nothing."""

    def sync(self, handle: int) -> None:
        """Make the file's contents survive a power loss. Never retried (see `atomic`)."""

    def close(self, handle: int) -> None:
        """Close; network file systems report late write errors here."""

    def rename(self, source: str, target: str) -> None:
        """rename(2): the one operation that decides anything."""

    def link(self, source: str, target: str) -> None:
        """link(2): exclusive on one common target name, and only there."""

    def unlink(self, name: str) -> None:
        """unlink(2)."""

    def mkdir(self, name: str) -> None:
        """Make a directory with the spool's mode whatever the umask."""

    def adopt_root(self) -> None:
        """Give an empty directory that became the spool's root the spool's mode."""

    def rmdir(self, name: str) -> None:
        """rmdir(2): succeeds on empty directories only."""

    def list(self, name: str) -> list[str]:
        """The names in a directory, asked of the server anew each time, in no order."""

    def iterate(self, name: str) -> Iterator[str]:
        """As `list`, one by one."""

    def iterate_files(self, name: str) -> Iterator[str]:
        """As `iterate`, without what the listing itself shows to be no regular file.

        On network file systems it may not show that: all names.
        """

    def exists(self, name: str) -> bool:
        """Whether anything stands under a name, links included. As `lstat`, and cheaper."""

    def read(self, name: str, limit: int) -> bytes:
        """The whole of a regular file of at most `limit` bytes.

        Raises Foreign for links, directories, devices and files of several names, TooLarge above
        the limit.
        """

    def read_record(self, name: str, limit: int) -> bytes:
        """As `read`, for records that may have two names for a moment while being placed."""

    def read_part(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes of a regular file from `offset` on; fewer only at its present end.

        The file is opened anew each time, so that an NFS client sees what other hosts appended.
        Raises Foreign for links, directories and devices.
        """

    def lstat(self, name: str) -> Entry | None:
        """What stands under a name, None when nothing does. Never decides anything (stale names)."""

    def refresh(self, name: str) -> None:
        """See that look-ups in a directory are asked of the server anew."""

    def touch_directory(self, name: str) -> None:
        """Set a directory's times to the server's now: other clients' listings of it are renewed."""

    def sync_directory(self, name: str) -> None:
        """Make the names in a directory survive a power loss."""


class OsFileSystem:
    """The real thing, and the only one that knows where the spool is."""

    def __init__(
        self, root: str, *, group: bool = False, is_network: bool = False, is_nfs: bool = False
    ) -> None:
        self.root = root
        self.is_network = is_network
        self._is_nfs = is_nfs
        # NFS: exclusive creation costs a request more, which sets the attributes; until then the
        # stamp is nonsense on NFS 3, and a sweep could take the file for an old one. Names of new
        # files have random parts of 40 bits and more: nothing of that name is ever there.
        self._new_flags = _WRITE_NEW & ~os.O_EXCL if is_nfs else _WRITE_NEW
        self._prefix = root + "/"
        self._file_mode = 0o660 if group else _PRIVATE
        self._may_trust_umask = False
        self._directory_mode = 0o2770 if group else 0o700

    def create(self, name: str) -> tuple[int, float]:
        path = self._prefix + name
        handle = os.open(path, self._new_flags, self._file_mode)
        try:
            found = os.fstat(handle)
            is_narrowed = found.st_mode & 0o7777 != self._file_mode
            # A private file (0600) is narrowed only by a umask that takes rights from the owner:
            # none does in earnest, and the last stamped file, 50 ms ago at most, shows if one did.
            self._may_trust_umask = self._file_mode == _PRIVATE and not is_narrowed
            if is_narrowed:
                os.fchmod(handle, self._file_mode)
        except BaseException:
            os.close(handle)
            try:
                os.unlink(path)
            except OSError:
                pass  # the first error tells more
            raise
        return handle, found.st_mtime

    def create_unstamped(self, name: str) -> int:
        path = self._prefix + name
        handle = os.open(path, self._new_flags, self._file_mode)
        if self._may_trust_umask:
            return handle
        try:
            # Always: looking whether the umask was in the way costs as much, and it can change.
            os.fchmod(handle, self._file_mode)
        except BaseException:
            os.close(handle)
            os.unlink(path)
            raise
        return handle

    def append(self, name: str) -> int:
        handle = os.open(self._prefix + name, _APPEND, self._file_mode)
        try:
            found = os.fstat(handle)
            if not stat_bits.S_ISREG(found.st_mode):
                raise OSError(errno.EEXIST, "no regular file", name)
            if found.st_mode & 0o7777 != self._file_mode and found.st_uid == os.geteuid():
                os.fchmod(handle, self._file_mode)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def write(self, handle: int, data: bytes) -> None:
        written = os.write(handle, data)
        if written < len(data):
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[os.write(handle, rest) :]

    def write_back(self, handle: int) -> None:
        if hasattr(os, "posix_fadvise"):
            # Linux starts writing what it is told to forget. Then one commit of the journal covers
            # a whole batch: it has the blocks of all its files, not of the first alone.
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self, handle: int) -> None:
        os.fsync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def rename(self, source: str, target: str) -> None:
        os.rename(self._prefix + source, self._prefix + target)

    def link(self, source: str, target: str) -> None:
        os.link(self._prefix + source, self._prefix + target, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        os.unlink(self._prefix + name)

    def mkdir(self, name: str) -> None:
        path = self._prefix + name if name else self.root
        os.mkdir(path, self._directory_mode & 0o777)
        # Not by the path alone: a member of the group could have put a link in its place by now.
        from spoolq.disk.modes import set_mode  # noqa: PLC0415 - few make directories

        set_mode(self.root, name, self._directory_mode)

    def adopt_root(self) -> None:
        os.chmod(self.root, self._directory_mode)

    def rmdir(self, name: str) -> None:
        os.rmdir(self._prefix + name)

    def list(self, name: str) -> list[str]:
        return list(self.iterate(name))

    def iterate(self, name: str) -> Iterator[str]:
        # NFS: a descriptor kept open lists what was there 30 s ago; a path is asked anew.
        with os.scandir(self._prefix + name if name else self.root) as entries:
            for entry in entries:
                yield entry.name

    def iterate_files(self, name: str) -> Iterator[str]:
        if self.is_network:
            # NFS: a listing without types would cost a request for each name.
            yield from self.iterate(name)
            return
        with os.scandir(self._prefix + name) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry.name

    def exists(self, name: str) -> bool:
        if self.is_network:
            return self.lstat(name) is not None  # which tells bad weather from absence
        return os.access(self._prefix + name, os.F_OK, follow_symlinks=False)

    def read_record(self, name: str, limit: int) -> bytes:
        return self.read(name, limit, 2)

    def read(self, name: str, limit: int, links: int = 1) -> bytes:
        try:
            handle = os.open(self._prefix + name, _READ)
        except OSError as error:
            raise _refused(name, error) from None
        try:
            found = os.fstat(handle)
            if found.st_mode & _KIND != _REGULAR or found.st_nlink > links:
                raise _foreign(name, found)
            size = found.st_size
            if size > limit:
                raise TooLarge(name, f"{size} bytes, over the limit of {limit}")
            data = os.read(handle, size + 1)
            while len(data) < size:
                more = os.read(handle, size - len(data))
                if not more:
                    break
                data += more
            return data
        finally:
            os.close(handle)

    def read_part(self, name: str, offset: int, size: int) -> bytes:
        try:
            handle = os.open(self._prefix + name, _READ)
        except OSError as error:
            raise _refused(name, error) from None
        try:
            found = os.fstat(handle)
            if found.st_mode & _KIND != _REGULAR or found.st_nlink > 1:
                raise _foreign(name, found)
            data = os.pread(handle, size, offset)
            while data and len(data) < size:
                more = os.pread(handle, size - len(data), offset + len(data))
                if not more:
                    break
                data += more
            return data
        finally:
            os.close(handle)

    def lstat(self, name: str) -> Entry | None:
        try:
            found = os.lstat(self._prefix + name if name else self.root)
        except FileNotFoundError:
            return None
        return Entry(
            _kind(found.st_mode),
            found.st_size,
            found.st_mtime,
            found.st_ctime,
            found.st_mode & 0o7777,
            found.st_uid,
            found.st_gid,
            found.st_nlink,
            found.st_ino,
        )

    def refresh(self, name: str) -> None:
        if self.is_network:
            # NFS: absent names are remembered for 30 s; opening the directory asks again.
            os.close(os.open(self._prefix + name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def touch_directory(self, name: str) -> None:
        os.utime(self._prefix + name, follow_symlinks=False)

    def sync_directory(self, name: str) -> None:
        if self._is_nfs:
            return  # NFS: the server has saved a change of names before it says that it is done
        handle = os.open(self._prefix + name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refused(name: str, error: OSError) -> Exception:
    """What a refusal to open says: that something foreign is there, or the error itself."""
    if error.errno == errno.ELOOP:
        return Foreign(name, "a symbolic link")
    if error.errno in {errno.ENXIO, errno.ENODEV}:
        return Foreign(name, "a socket or device")
    return error


def _foreign(name: str, found: os.stat_result) -> Foreign:
    if not stat_bits.S_ISREG(found.st_mode):
        return Foreign(name, f"a {_kind(found.st_mode)}, not a file")
    return Foreign(name, f"a file of {found.st_nlink} names")


def _kind(mode: int) -> str:
    if stat_bits.S_ISREG(mode):
        return "file"
    if stat_bits.S_ISDIR(mode):
        return "directory"
    return "link" if stat_bits.S_ISLNK(mode) else "other"
