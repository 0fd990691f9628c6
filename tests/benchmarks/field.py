"""The subjects of a scenario, each opened in a folder of its own; who fails is told and left out."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from spoolq.bench.processes import Child, Crowd, crowd
from spoolq.bench.rounds import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.peers import Peer


@dataclass(frozen=True, eq=False)
class Subject:
    """One queue, and where its other processes find it."""

    kind: type[Peer]
    folder: str
    port: int
    peer: Peer

    @property
    def address(self) -> tuple[object, ...]:
        """The arguments of a process that opens it (tests.benchmarks.roles)."""
        return (self.kind.__name__, self.folder, self.port)

    def child(self, role: str, *arguments: object) -> Child:
        """A process of its own on this queue."""
        return Child(role, *self.address, *arguments, module="tests.benchmarks.roles")

    def crowd(self, count: int, payloads: Sequence[bytes]) -> Crowd:
        """So many processes empty it."""
        words = [(*self.address, number / count) for number in range(count)]
        return crowd(payloads, "empty", words, module="tests.benchmarks.roles")


class Field:
    """All subjects that can be had here, and why others cannot. Use it in `with`."""

    def __init__(self, folder: str, kinds: Sequence[type[Peer]]) -> None:
        self._folder = folder
        self._kinds = kinds
        self._ends: dict[Subject, ExitStack] = {}
        self._missing: list[str] = []

    def __enter__(self) -> Self:
        os.chmod(self._folder, 0o755)  # PostgreSQL's server runs as another user
        for kind in self._kinds:
            with self._told(kind), ExitStack() as stack:
                folder = f"{self._folder}/{kind.__name__}"
                os.mkdir(folder)
                server = kind.serve(folder)
                if server is not None:
                    stack.callback(server.close)
                port = server.port if server is not None else 0
                subject = Subject(kind, folder, port, kind(folder, port))
                stack.callback(subject.peer.close)
                self._ends[subject] = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for ends in self._ends.values():
                stack.enter_context(ends)

    @contextmanager
    def _told(self, kind: type[Peer]) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            said = f"{error}".strip().splitlines() or [type(error).__name__]
            self._missing.append(f"{kind.name} ({kind.durability}): {said[0]}")

    def each(self) -> list[Subject]:
        """Who is still in it."""
        return list(self._ends)

    @contextmanager
    def trying(self, subject: Subject) -> Iterator[None]:
        """An error inside takes the subject out of the field."""
        before = len(self._missing)
        with self._told(subject.kind):
            yield
        if len(self._missing) > before:
            with self._told(subject.kind):
                self._ends.pop(subject).close()

    def missing(self) -> Iterator[Figure]:
        """Why some are not there."""
        for line in self._missing:
            yield Figure("not measured", line, "", 0, 0, 0)
