"""A FileSystem that sits out bad weather: passing errors of network file systems are retried.

ESTALE, EIO, ETIMEDOUT and the like come and go while a server reboots (7 to 90 s). Writing and
syncing is never retried: after an error there nobody knows what is on the disk.
"""

from __future__ import annotations

import errno
import functools
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from spoolq.disk.filesystem import FileSystem

PASSING = frozenset(
    (errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EINTR, errno.EAGAIN, errno.EREMOTEIO)
)
RETRIED = (
    "rename",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
    "list",
    "read",
    "read_record",
    "read_part",
    "lstat",
    "refresh",
    "touch_directory",
)
PATIENCE_SECONDS = 12.0
_FIRST_PAUSE_SECONDS = 0.05


class PatientFileSystem:
    """Wraps a FileSystem; names every operation that may simply be tried again."""

    def __init__(
        self,
        fs: FileSystem,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fs = fs
        self._patience_seconds = patience_seconds
        self._sleep = sleep
        for name in RETRIED:
            setattr(self, name, self._retrying(getattr(fs, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def _retrying(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(operation)
        def patient(*args: Any) -> Any:
            pause, waited = _FIRST_PAUSE_SECONDS, 0.0
            while True:
                try:
                    return operation(*args)
                except OSError as error:
                    if error.errno not in PASSING or waited >= self._patience_seconds:
                        raise
                self._sleep(pause)
                waited += pause
                pause = min(2.0, pause * 2)

        return patient
