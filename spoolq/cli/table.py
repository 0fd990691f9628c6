"""The options and operands of one command, as its module names them, and nothing done with them yet.

Two readers share a table: `plain` for the command lines that scripts write, and `parser`, which is
argparse, for all others. So nothing is declared twice, and argparse is imported when it is needed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Entry:
    """One option or operand: what `argparse`'s add_argument takes."""

    __slots__ = ("flags", "group", "keywords")

    def __init__(self, flags: tuple[str, ...], keywords: dict[str, Any], group: Group | None):
        self.flags = flags
        self.keywords = keywords
        self.group = group

    @property
    def is_operand(self) -> bool:
        """Whether it has no flag."""
        return not self.flags[0].startswith("-")

    @property
    def dest(self) -> str:
        """The name of its value: as told, else that of the first long flag or the operand."""
        told: str | None = self.keywords.get("dest")
        if told or self.is_operand:
            return told or self.flags[0]
        long = [flag for flag in self.flags if flag.startswith("--")]
        return (long or list(self.flags))[0].lstrip("-").replace("-", "_")


class Group:
    """Options of which one at most may be given."""

    def __init__(self, table: Table, keywords: dict[str, Any]) -> None:
        self._table = table
        self.keywords = keywords

    def add_argument(self, *flags: str, **keywords: Any) -> None:
        """As that of `argparse`."""
        self._table.entries.append(Entry(flags, keywords, self))


class Table:
    """What a module's `add_arguments` fills: the part of an `argparse.ArgumentParser` they use."""

    def __init__(self, prog: str) -> None:
        self.prog = prog
        self.description = ""
        self.epilog = ""
        self.entries: list[Entry] = []
        self.groups: list[Group] = []

    def add_argument(self, *flags: str, **keywords: Any) -> None:
        """As that of `argparse`."""
        self.entries.append(Entry(flags, keywords, None))

    def add_mutually_exclusive_group(self, **keywords: Any) -> Group:
        """As that of `argparse`."""
        group = Group(self, keywords)
        self.groups.append(group)
        return group
