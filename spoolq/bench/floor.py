"""The floor: what the system calls of a move cost in Python with nothing around them.

Names are counted, not drawn; nothing is checked, nobody is told, and a crash loses track.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAYLOAD = b"x" * 200
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_SIDECAR = (
    b'{"lease": "alpha-4711-ABCDEFGH22", "owner": "alpha-4711", "host": "alpha", "pid": 4711, '
    b'"granted_at": "2026-11-24T09:30:00.000000Z", "lease_seconds": 60.0, '
    b'"deadline": "2026-11-24T09:31:00.000000Z", "limit": 1}\n'
)


class Floor:
    """Bare publish, claim, done and renew in a directory of its own."""

    def __init__(self, root: str, *, sync: bool = False) -> None:
        self.root = root
        self._sync = sync
        self._made = 0
        self._names: list[str] = []
        self.lost = 0
        """Renames that another consumer was quicker at."""
        for directory in ("drafts", "ready", "leased", "done"):
            os.makedirs(f"{root}/{directory}", exist_ok=True)

    def publish(self, payloads: Sequence[bytes]) -> None:
        """Create, write, (sync,) close, rename; (sync the directory)."""
        root, sync = self.root, self._sync
        for number, payload in enumerate(payloads, self._made):
            path = f"{root}/drafts/alpha-4711-{number:010d}.task"
            handle = os.open(path, _NEW, 0o600)
            os.write(handle, payload)
            if sync:
                os.fsync(handle)
            os.close(handle)
            os.rename(path, f"{root}/ready/{_id(number)}")
            if sync:
                _sync_directory(f"{root}/ready")
        self._made += len(payloads)

    def look(self, start: float = 0.0) -> None:
        """List ready/ and sort; begin at a share of it (0 to 1), go round."""
        found = sorted(os.listdir(f"{self.root}/ready"), reverse=True)
        at = len(found) - int(len(found) * start)
        self._names = found[at:] + found[:at]

    def take(self, count: int, *, sidecar: bool = True) -> list[bytes]:
        """Claim, read and finish tasks of the last look, the first ones first; what they held."""
        taken = []
        for number in range(count):
            if not self._names:
                self.look()
            taken.append(self._take_one(self._names.pop(), number, sidecar=sidecar))
        return taken

    def drain(self, start: float) -> Iterator[bytes]:
        """Beside other consumers, from a place of one's own, until nothing is left."""
        won = in_a_row = 0
        self.look(start)
        while True:
            if not self._names or in_a_row >= 24:
                self.look(start)
                in_a_row = 0
                if not self._names:
                    return
            try:
                payload = self._take_one(self._names.pop(), won, sidecar=True)
            except FileNotFoundError:
                self.lost, in_a_row = self.lost + 1, in_a_row + 1
            else:
                won, in_a_row = won + 1, 0
                yield payload

    def _take_one(self, name: str, number: int, *, sidecar: bool) -> bytes:
        lease = f"alpha-{os.getpid()}-{number:010d}"
        beside = f"{self.root}/leased/{lease}.lease"
        mine = f"{self.root}/leased/{name}.1.{lease}"
        if sidecar:
            handle = os.open(beside, _NEW, 0o600)
            os.write(handle, _SIDECAR)
            os.close(handle)
        try:
            os.rename(f"{self.root}/ready/{name}", mine)
            handle = os.open(mine, _READ)
            payload = os.read(handle, len(PAYLOAD) + 1)
            os.close(handle)
            os.rename(mine, f"{self.root}/done/{name}")
            if self._sync:
                _sync_directory(f"{self.root}/done")
            return payload
        finally:
            if sidecar:
                os.unlink(beside)

    def hold_one(self) -> None:
        """Publish and claim the task that `renew` renews."""
        self.publish([PAYLOAD])
        self._held = f"{self.root}/leased/held.0"
        os.rename(f"{self.root}/ready/{_id(self._made - 1)}", self._held)

    def renew(self, count: int) -> None:
        """A new sidecar, a rename, the old sidecar unlinked."""
        for number in range(count):
            beside = f"{self.root}/leased/alpha-4711-{number:010d}.lease"
            handle = os.open(beside, _NEW, 0o600)
            os.write(handle, _SIDECAR)
            os.close(handle)
            renewed = f"{self.root}/leased/held.{number % 2 + 1}"
            os.rename(self._held, renewed)
            self._held = renewed
            os.unlink(beside)


def fill(ready: str, count: int) -> None:
    """Make so many waiting tasks (empty ones) directly in a spool's ready/, oldest first."""
    for number in range(count):
        os.close(os.open(f"{ready}/{_id(number)}", _NEW, 0o600))


def oldest() -> str:
    """The id of the first task that `fill` makes."""
    return _id(0)


def _id(number: int) -> str:
    letters = str(number).zfill(8).translate(_LETTERS)
    return f"5-20260101T{number // 10**6:06d}{number % 10**6:06d}-{letters}"


_LETTERS = str.maketrans("0123456789", "ABCDEFGHIJ")


def _sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(handle)
    os.close(handle)
