"""Turns what the file system says into spoolq's own errors, at the door of the public API."""

from __future__ import annotations

import errno
import functools

from spoolq.errors import SpoolqError, StorageError, StorageFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _R = TypeVar("_R")


def telling_storage_errors(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """A call whose OSErrors arrive as StorageError or StorageFull, with the path in them."""

    @functools.wraps(method)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            tell(error)

    return told


def tell(error: OSError) -> NoReturn:
    """Raise an error of the file system as ours, and one of ours as it is."""
    if isinstance(error, SpoolqError):
        raise error
    raise storage_error(error) from error


def storage_error(error: OSError) -> StorageError:
    """Our error for one of the file system's."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    kind = StorageFull if full else StorageError
    name = error.filename2 or error.filename
    return kind(error.errno or 0, error.strerror or str(error), name)
