"""Every error spoolq raises, as one tree. No imports from the package.

    SpoolqError                     exit 1
    ├─ SpoolNotFound                no spool at this path          (also FileNotFoundError)
    ├─ SpoolExists                  there is one already           (also FileExistsError)
    ├─ SpoolDamaged                 a spool, but not as it should be
    │  └─ SpoolVersionUnsupported   a newer format than this release reads
    ├─ SpoolUntrusted               a directory that strangers may write to
    ├─ SpoolUnsafe                  on a mount that may forget what it was told (soft NFS)
    ├─ StorageError                 the file system refused        (also OSError)
    │  └─ StorageFull               no space, inodes or quota left
    ├─ InvalidTask                  exit 2: a task or option of it that cannot be  (also ValueError)
    ├─ InvalidSetting               exit 2: a setting that makes no sense          (also ValueError)
    ├─ InvalidName                  exit 2: not a name of ours                     (also ValueError)
    ├─ PublishOnly                  this Spool was opened to publish only
    ├─ Empty                        exit 3: nothing there          (also queue.Empty)
    ├─ Full                         exit 3: no room for more       (also queue.Full)
    ├─ Closed                       the Spool was closed
    ├─ LeaseLost                    exit 4: somebody else's by now; stop touching the work
    └─ UnknownJob                   exit 5: no such job            (also LookupError)

Facts are attributes; every error pickles; the text says what to do where that is known.
"""

from __future__ import annotations

import queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class SpoolqError(Exception):
    """The root of the tree; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class _PathError(SpoolqError):
    """About a directory or file: `path` and `reason` are its facts."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class SpoolNotFound(_PathError, FileNotFoundError):
    """There is no spool at `path`; `spoolq init` or `Spool.create` makes one."""


class SpoolExists(_PathError, FileExistsError):
    """`path` already holds a spool, or something else that is in the way."""


class SpoolDamaged(_PathError):
    """`path` belongs to a spool but is not what it should be; `spoolq doctor` tells more."""


class SpoolVersionUnsupported(SpoolDamaged):
    """The spool's format is newer than this release understands."""


class SpoolUntrusted(_PathError):
    """Others could write into this directory, so what is in it cannot be trusted."""


class SpoolUnsafe(_PathError):
    """The directory is mounted in a way that breaks spoolq's promises; `spoolq doctor --probe`."""


class StorageError(SpoolqError, OSError):
    """The file system refused an operation: `errno`, `strerror`, `filename` as in OSError."""


class StorageFull(StorageError):
    """No space, no inodes or no quota left (ENOSPC, EDQUOT); nothing was half done."""


class InvalidTask(SpoolqError, ValueError):
    """A task, or an option of it, that cannot be published (or read)."""

    exit_code: ClassVar[int] = 2


class InvalidSetting(SpoolqError, ValueError):
    """A setting that makes no sense: `name` and `value` are its facts."""

    exit_code: ClassVar[int] = 2

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(name, value, expected)
        self.name = name
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.name}={self.value!r}: expected {self.expected}"


class InvalidName(SpoolqError, ValueError):
    """A lease's or leased file's name that is not of spoolq's grammar, or not precise enough."""

    exit_code: ClassVar[int] = 2


class PublishOnly(SpoolqError):
    """This Spool was opened with publish_only=True and cannot take jobs."""


class Empty(SpoolqError, queue.Empty):
    """No job was found before the wait was over."""

    exit_code: ClassVar[int] = 3


class Full(_PathError, queue.Full):
    """More would wait than the spool's max_waiting or max_bytes allow; nothing was published."""

    exit_code: ClassVar[int] = 3


class Closed(SpoolqError):
    """The Spool was closed, perhaps while this call waited."""


class LeaseLost(SpoolqError):
    """The lease is no longer held: `job_id`, `lease` and `reason` are its facts.

    Whatever the holder was doing may be done by somebody else; its outcome will not count.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, job_id: str, lease: str, reason: str) -> None:
        super().__init__(job_id, lease, reason)
        self.job_id = job_id
        self.lease = lease
        self.reason = reason

    def __str__(self) -> str:
        what = f"lease {self.lease}" + (f" of job {self.job_id}" if self.job_id else "")
        return f"{what} is lost: {self.reason}"


class UnknownJob(SpoolqError, LookupError):
    """No job of this id is in the spool (any more): `job_id`."""

    exit_code: ClassVar[int] = 5

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id

    def __str__(self) -> str:
        return f"unknown job {self.job_id!r}"
