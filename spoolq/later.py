"""Modules that are imported when something of theirs is used: start-up time is a feature."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from types import ModuleType
    from typing import Any


def module_named(name: str) -> ModuleType:
    """Import a module; `importlib` itself is 0.6 ms that most commands do without."""
    __import__(name)
    return sys.modules[name]


class Later:
    """Stands for a module until it is needed, and for ever after."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(module_named(self._name), attribute)


class _LaterLog:
    """Stands for a logger; `logging` costs a command that has nothing to say a third of its start."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        import logging  # noqa: PLC0415

        root = logging.getLogger("spoolq")
        if not root.handlers:
            root.addHandler(logging.NullHandler())  # a library is silent unless it is listened to
        return getattr(logging.getLogger(self._name), attribute)


def log_named(name: str) -> logging.Logger:
    """The logger of this name, below `spoolq`."""
    return _LaterLog(name)  # type: ignore[return-value]
