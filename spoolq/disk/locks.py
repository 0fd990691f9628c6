"""Locks, only to keep hosts from doing the same upkeep twice. Nothing correct rests on one."""

from __future__ import annotations

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def prepare() -> None:
    """Bring now what the first lock will need: 40 ms that would delay a job then."""
    import filelock  # noqa: F401, PLC0415


@contextmanager
def upkeep_lock(root: str, name: str, mode: int) -> Iterator[bool]:
    """Try to be the only one at some upkeep; yields whether others are probably at it.

    Never waits. Where locks do not work at all (an NFS mount without them), the upkeep is done
    twice rather than not at all.
    """
    import filelock  # noqa: PLC0415 - 100 ms that most processes never need

    lock = filelock.FileLock(f"{root}/sys/locks/{name}.lock", timeout=0, mode=mode)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    except (OSError, NotImplementedError):
        yield True
        return
    try:
        yield True
    finally:
        lock.release()
