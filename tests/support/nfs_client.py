"""One NFS client's caches before a file system in memory: what it tells may be half a minute old.

Modelled on what real clients were seen to do (docs/filesystems.md): names are looked up in a cache,
present and absent ones alike, until their directory is opened; a listing is read anew only when the
directory's time stamp has changed, which steps with the server's clock. Own changes are seen.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from support.memory_fs import HandTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.disk.filesystem import Entry
    from support.memory_fs import MemoryFileSystem

TICK_SECONDS = 0.01


class SteppingTime(HandTime):
    """A server whose stamps come in steps, as those of an NFS 3 server do."""

    @property
    def server(self) -> float:
        """The server's time at its last tick."""
        return (self.local + self.server_ahead) // TICK_SECONDS * TICK_SECONDS


class NfsClient:
    """A FileSystem as one host sees it. `asked` counts what went to the server, by operation."""

    def __init__(self, server: MemoryFileSystem) -> None:
        self.server = server
        self._known: dict[str, Entry | None] = {}
        self._listings: dict[str, tuple[float, list[str]]] = {}
        self.asked: Counter[str] = Counter()
        for name in ("create", "rename", "link", "unlink", "mkdir", "rmdir"):
            setattr(self, name, self._changing(name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.server, name)

    def _changing(self, operation: str) -> Any:
        def change(*names: str) -> Any:
            self.asked[operation] += 1
            # The client knows what it has changed itself, also when it was refused.
            try:
                return getattr(self.server, operation)(*names)
            finally:
                for name in names:
                    self._known.pop(name, None)
                    self._listings.pop(name.rpartition("/")[0], None)

        return change

    def _opened(self, directory: str) -> None:
        self.asked[f"open {directory}"] += 1
        for name in [name for name in self._known if name.rpartition("/")[0] == directory]:
            del self._known[name]

    def iterate(self, name: str) -> Iterator[str]:
        """The names in a directory, from the cache while its stamp is the same."""
        self._opened(name)
        found = self.server.lstat(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        cached = self._listings.get(name)
        if cached is None or cached[0] != found.modified_at:
            cached = self._listings[name] = (found.modified_at, self.server.list(name))
        return iter(cached[1])

    def iterate_files(self, name: str) -> Iterator[str]:
        """As iterate: this listing tells no kinds."""
        return self.iterate(name)

    def exists(self, name: str) -> bool:
        """As lstat."""
        return self.lstat(name) is not None

    def list(self, name: str) -> list[str]:
        """As `iterate`."""
        return [*self.iterate(name)]

    def lstat(self, name: str) -> Entry | None:
        """What was known of a name when it was asked for first."""
        if name not in self._known:
            self.asked["lstat"] += 1
            self._known[name] = self.server.lstat(name)
        return self._known[name]

    def refresh(self, name: str) -> None:
        """Opening the directory has its names looked up anew."""
        self._opened(name)
