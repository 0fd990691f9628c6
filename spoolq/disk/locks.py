"""Locks, only to keep hosts from doing the same upkeep twice. Nothing correct rests on one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from filelock import BaseFileLock


def prepare() -> None:
    """Bring now what the first lock will need: 40 ms that would delay a job then."""
    import filelock  # noqa: F401, PLC0415


def upkeep_lock(root: str, name: str, mode: int) -> UpkeepLock:
    """Try to be the only one at some upkeep: a context manager that tells whether that may be so.

    Never waits. Where locks do not work at all (an NFS mount without them), the upkeep is done
    twice rather than not at all.
    """
    import filelock  # noqa: PLC0415 - 100 ms that most processes never need

    return UpkeepLock(filelock.FileLock(f"{root}/sys/locks/{name}.lock", timeout=0, mode=mode))


class UpkeepLock:
    """What `upkeep_lock` returns."""

    def __init__(self, lock: BaseFileLock) -> None:
        self._lock = lock

    def __enter__(self) -> bool:
        from filelock import Timeout  # noqa: PLC0415

        try:
            self._lock.acquire()
        except Timeout:
            return False
        except (OSError, NotImplementedError):
            return True
        return True

    def __exit__(self, *error: object) -> None:
        if self._lock.is_locked:
            self._lock.release()
