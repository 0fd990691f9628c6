"""A file system in memory that can lose its power: what was synced is kept, of the rest any part.

What a power loss may do here: changes of names that no fsync of their directory has saved happened
or not, in any combination that keeps the order of the changes of one file and of one name; a rename
happened whole or not at all, as all journalling file systems see to. The bytes of a file that no
fsync has saved are all there, cut off, replaced by zeros, or gone. What fsync of a directory saves
includes what the changes saved with it came after.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from support.memory_fs import PARENT, ROOT, HandTime, Inode, MemoryFileSystem

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    Change = tuple[int, str, int | None]

MOST_COMBINATIONS = 4096
TORN: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: data,
    lambda data: b"",
    lambda data: data[: len(data) // 2],
    lambda data: bytes(len(data)),
)


class PoweredFileSystem(MemoryFileSystem):
    """Remembers which changes a power loss could undo."""

    def __init__(self, time: HandTime, *, is_network: bool = False) -> None:
        self._unsynced: list[tuple[list[Change], set[int]]] = []
        self._kept: dict[int, dict[str, int]] = {ROOT: {}}
        self._gone: dict[int, Inode] = {}
        self._is_root_kept = False
        super().__init__(time, is_network=is_network)

    def settle(self) -> None:
        """All that is there now survives whatever comes."""
        for number, found in self.inodes.items():
            self.inodes[number] = found._replace(synced=found.data)
        self._kept = {
            number: dict(found.entries)
            for number, found in self.inodes.items()
            if found.entries is not None
        }
        self._unsynced, self._gone = [], {}
        self._is_root_kept = self.has_root

    def _change(self, changes: list[Change]) -> None:
        touched = {number for _, _, number in changes if number is not None}
        touched |= {(self.inodes[at].entries or {})[name] for at, name, to in changes if to is None}
        self._unsynced.append((changes, touched))
        super()._change(changes)

    def _unlinked(self, number: int) -> None:
        self._gone[number] = self.inodes[number]
        super()._unlinked(number)

    def sync_directory(self, name: str) -> None:
        super().sync_directory(name)
        if name == PARENT:
            self._is_root_kept = self.has_root
            return
        directory = self._find(name)
        wanted = [any(at == directory for at, _, _ in changes) for changes, _ in self._unsynced]
        for later in reversed(range(len(wanted))):
            for earlier in range(later) if wanted[later] else ():
                wanted[earlier] |= self._depends(self._unsynced[later], self._unsynced[earlier])
        for is_wanted, (changes, _) in zip(wanted, self._unsynced, strict=True):
            if is_wanted:
                _apply(self._kept, changes)
        self._unsynced = [
            each for is_wanted, each in zip(wanted, self._unsynced, strict=True) if not is_wanted
        ]

    @staticmethod
    def _depends(
        later: tuple[list[Change], set[int]], earlier: tuple[list[Change], set[int]]
    ) -> bool:
        same_name = {(at, name) for at, name, _ in later[0]} & {(a, n) for a, n, _ in earlier[0]}
        return bool(same_name or later[1] & earlier[1])

    def losses(self, chance: random.Random, most: int) -> Iterator[MemoryFileSystem]:
        """File systems as a power loss at this moment may leave them: at most so many, by chance.

        That nothing is lost, and that all is lost that can be, are always among them.
        """
        if not self._is_root_kept:
            after = self._image((False,) * len(self._unsynced), TORN[1])
            after.has_root, after.inodes[ROOT] = False, Inode(0.0, 0.0, entries={})
            yield after
        chosen = self._combinations(chance, most)
        for position, happened in enumerate(chosen):
            torn = TORN[(position + chance.randrange(2)) % len(TORN)] if position else TORN[1]
            yield self._image(happened, torn)
            if position == 0 and len(chosen) < most:
                yield self._image(tuple([True] * len(self._unsynced)), TORN[3])

    def _combinations(self, chance: random.Random, most: int) -> Sequence[tuple[bool, ...]]:
        count = len(self._unsynced)
        if 2**count <= MOST_COMBINATIONS:
            every = [c for c in itertools.product((False, True), repeat=count) if self._may_be(c)]
            ends = [every[0], every[-1]] if len(every) > 1 else every
            inner = every[1:-1]
            return ends + chance.sample(inner, min(len(inner), max(0, most - len(ends))))
        found = {tuple([False] * count), tuple([True] * count)}
        for _ in range(20 * most):
            drawn = tuple(chance.random() < 0.5 for _ in range(count))
            if self._may_be(drawn):
                found.add(drawn)
        return sorted(found)[:most]

    def _may_be(self, happened: tuple[bool, ...]) -> bool:
        return not any(
            happened[later]
            and not happened[earlier]
            and self._depends(self._unsynced[later], self._unsynced[earlier])
            for later in range(len(happened))
            for earlier in range(later)
        )

    def _image(
        self, happened: tuple[bool, ...], torn: Callable[[bytes], bytes]
    ) -> MemoryFileSystem:
        names = {number: dict(entries) for number, entries in self._kept.items()}
        for is_there, (changes, _) in zip(happened, self._unsynced, strict=True):
            if is_there:
                _apply(names, changes)
        after = MemoryFileSystem(HandTime(self.time.local + 5, self.time.server_ahead))
        known = self._gone | self.inodes
        self._copy(after, ROOT, names, known, torn)
        after._next_inode = self._next_inode
        after.has_root = self.has_root
        return after

    def _copy(
        self,
        after: MemoryFileSystem,
        number: int,
        names: dict[int, dict[str, int]],
        known: dict[int, Inode],
        torn: Callable[[bytes], bytes],
    ) -> None:
        found = known[number]
        if found.entries is not None:
            after.inodes[number] = found._replace(links=1, entries=names.get(number, {}))
            for each in names.get(number, {}).values():
                self._copy(after, each, names, known, torn)
        elif number in after.inodes:
            links = after.inodes[number].links
            after.inodes[number] = after.inodes[number]._replace(links=links + 1)
        else:
            data = found.data if found.synced == found.data else torn(found.data)
            after.inodes[number] = found._replace(links=1, data=data, synced=data)


def _apply(names: dict[int, dict[str, int]], changes: list[Change]) -> None:
    for directory, name, number in changes:
        entries = names.setdefault(directory, {})
        if number is None:
            entries.pop(name, None)
        else:
            entries[name] = number
