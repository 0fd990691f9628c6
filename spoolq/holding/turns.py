"""Threads that end or renew one job take turns."""

from __future__ import annotations

import functools

from spoolq.holding.storage import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _Method = TypeVar("_Method", bound="Callable[..., Any]")


def one_at_a_time(method: _Method) -> _Method:
    """A method of Job that runs under its lock; storage errors come as ours."""

    @functools.wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            with self._lock:
                return method(self, *args, **kwargs)
        except OSError as error:
            tell(error)

    return locked  # type: ignore[return-value]
