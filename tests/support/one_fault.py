"""One move with one fault in it, then the judge: the loop body of the exhaustive fault tests."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spoolq import LeaseLost, SpoolqError
from support.faulty_fs import Crash, FaultyFileSystem, as_usual
from support.memory_fs import MemoryFileSystem
from support.memory_spool import open_memory_spool, predictable
from support.moves import Process
from support.record import EVERYTHING, assert_clear, assert_guarantees
from support.stages import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.faulty_fs import Plan
    from support.moves import Move
    from support.stages import Stage


@contextmanager
def told_of(fault: str | Callable[[], str]) -> Iterator[None]:
    """What fails inside tells which fault it was; a callable makes the text when it is needed."""
    try:
        yield
    except BaseException as error:
        error.add_note(fault if isinstance(fault, str) else fault())
        raise


@functools.cache
def stage_of(name: str, durability: str, *, is_network: bool) -> Stage:
    """A stage, built once; to be copied."""
    make = functools.partial(MemoryFileSystem, is_network=is_network)
    return build(name, durability=durability, make=make)


class Run:
    """A move on a stage of its own, once it has ended or died."""

    def __init__(
        self,
        move: Move,
        durability: str = "full",
        *,
        is_network: bool = False,
        stage: Stage | None = None,
    ) -> None:
        self.move = move
        self.stage = stage or stage_of(move.stage, durability, is_network=is_network).copy()
        self.fs = FaultyFileSystem(self.stage.fs)
        fs: Any = self.fs
        spool: Any = None
        if self.stage.has_spool:
            spool = open_memory_spool(fs, self.stage.fs.time, move.owner)
        self.process = Process(fs, spool, self.stage, self.stage.record)
        if move.owner == "holder":
            self.process.jobs()
        self.error: SpoolqError | None = None
        self.died = False
        self.found: object = None

    def make(self, plan: Callable[[FaultyFileSystem], Plan]) -> None:
        """Make the move, with a fault as planned."""
        self.fs.arm(plan(self.fs))
        try:
            self.found = self.move.act(self.process)
        except Crash:
            self.died = True
        except SpoolqError as error:
            assert_clear(error)
            self.error = error
        self.fs.disarm()

    def make_again(self) -> None:
        """The fault is over: who was told an error tries again, and must succeed."""
        if self.error is None or isinstance(self.error, LeaseLost):
            return
        try:
            self.move.act(self.process)
        except LeaseLost:
            assert not self.move.again, "lost by an error that was over"

    def check(self, promised: frozenset[str] = EVERYTHING) -> None:
        """The judge."""
        if not self.died and self.error is None and self.move.finds is not None:
            assert self.found == self.move.finds
        if not self.died:
            assert not self.stage.fs.handles, "a file is still open"
        assert_guarantees(self.stage.fs, self.stage.record, promised)


@functools.cache
def operations_of(move: Move, durability: str = "full", *, is_network: bool = False) -> list[str]:
    """The operations of a move without any fault; the guarantees hold after it, of course."""
    with predictable(move.name):
        run = Run(move, durability, is_network=is_network)
        run.make(lambda _: as_usual)
        assert run.error is None, run.error
        run.check()
    return list(run.fs.operations)
