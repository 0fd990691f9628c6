"""Faults planted in the code itself: mutants.toml, applied to a module's source as it is imported.

A mutant replaces `old`, which must occur exactly once in its module, by `new`. The simulator must
find every one of them; where the code has changed, the mutant's text has to follow it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """One wrong change, and what it breaks."""

    name: str
    module: str
    old: str
    new: str
    breaks: str
    test: str = ""
    """The test that finds it, where worlds hardly ever come to what it breaks."""

    @property
    def path(self) -> Path:
        """The module's file."""
        return ROOT / (self.module.replace(".", "/") + ".py")

    def source(self) -> str:
        """The module's source with the change in it.

        Raises:
            ValueError: the text to be changed is not there, or more than once.
        """
        text = self.path.read_text()
        if text.count(self.old) != 1:
            found = text.count(self.old)
            raise ValueError(f"mutant {self.name}: {found} times in {self.path}: {self.old!r}")
        return text.replace(self.old, self.new)


def mutants() -> dict[str, Mutant]:
    """All of them by name."""
    listed = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())["mutant"]
    made = [Mutant(**{"breaks": "", **entry}) for entry in listed]
    return {mutant.name: mutant for mutant in made}


class _Planting(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._code = compile(mutant.source(), str(mutant.path), "exec")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self._mutant.path))

    def exec_module(self, module: Any) -> None:
        exec(self._code, module.__dict__)


def plant(name: str) -> None:
    """From now on the module is imported with the fault in it. To be called before it is."""
    mutant = mutants()[name]
    if mutant.module in sys.modules:
        raise RuntimeError(f"{mutant.module} is imported already")
    sys.meta_path.insert(0, _Planting(mutant))
