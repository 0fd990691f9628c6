"""Every interleaving of several processes' file operations, at the seam, without a thread.

A process is a function of what its operations told it. So it is played from its beginning with the
answers so far, and then goes on; how far it has come, by these answers, is a `Point`. A state of
them all is the files and one point each: what is met again, by another way, is not gone on with
twice. That makes more interleavings than can be counted a few thousand states, and leaves none out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spoolq import LeaseLost, SpoolqError, UnknownJob
from spoolq.disk.filesystem import Foreign
from spoolq.rules import layout
from support.faulty_fs import CHANGING, LISTINGS, OPERATIONS
from support.memory_spool import open_memory_spool, predictable
from support.moves import Process
from support.one_fault import told_of
from support.record import EVERYTHING, Record, assert_guarantees, assert_names
from support.stages import HOLDER

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from support.memory_fs import MemoryFileSystem
    from support.moves import Move
    from support.stages import Stage

Answer = tuple[str, Any]
Wanted = tuple[str, tuple[Any, ...]]
TOLD, OSERROR, FOREIGN = "told", "oserror", "foreign"
UNSEEN = frozenset(("write_back", "sync", "close"))
UNSEEN_OF_DIRECTORIES = frozenset(("refresh", "sync_directory"))
MOST_TOLD_STEPS = 60
"""Of a way to a failure, so many last steps are told."""


class _PutAway(BaseException):
    """A process wants an operation that nobody has answered yet."""


class _Played:
    """The seam as one process sees it: answers given before, then those that `further` gives."""

    def __init__(
        self, stage: Stage, answers: Sequence[Answer], further: Callable[[Wanted], Answer]
    ) -> None:
        self.root, self.is_network = stage.fs.root, stage.fs.is_network
        self._fs, self._has_spool = stage.fs, stage.has_spool
        self._answers = iter(answers)
        self._further = further

    def __getattr__(self, name: str) -> Callable[..., Any]:
        assert name in OPERATIONS, name

        def operation(*args: Any) -> Any:
            return self._answer(name, args)

        setattr(self, name, operation)
        return operation

    def now(self) -> float:
        """The local clock; it stands still."""
        return self._fs.time.local

    def _answer(self, name: str, args: tuple[Any, ...]) -> Any:
        if self._has_spool and args[0] == layout.SETTINGS:
            return getattr(self._fs, name)(*args)  # written before anything: in nobody's way
        kind, told = next(self._answers, None) or self._further((name, args))
        if kind == OSERROR:
            raise OSError(*told)
        if kind == FOREIGN:
            raise told[0](*told[1:])
        if name == "list":
            return list(told)
        return iter(told) if name in LISTINGS else told


def carry_out(fs: MemoryFileSystem, wanted: Wanted, first_handle: int) -> Answer:
    """One operation; a file that it opens gets the handle `first_handle`."""
    name, args = wanted
    fs.next_handle = first_handle
    try:
        told = getattr(fs, name)(*args)
    except OSError as error:
        return OSERROR, (error.errno, error.strerror, error.filename, None, error.filename2)
    except Foreign as error:
        return FOREIGN, (type(error), error.name, error.reason)
    return TOLD, tuple(sorted(told)) if name in LISTINGS else told


@dataclass(eq=False)
class Point:
    """How far one process has come: the answers so far, and what it wants next or has told.

    `handle` is what a file gets that it opens next: no other's, and the same by every way.
    """

    answers: tuple[Answer, ...]
    handle: int
    wanted: Wanted | None = None
    told: object = None
    following: dict[Answer, Point] = field(default_factory=dict)


def _is_unseen(name: str, args: tuple[Any, ...]) -> bool:
    if name in UNSEEN_OF_DIRECTORIES:
        return args[0] in layout.DIRECTORIES  # they are always there, but while they are made
    return name in UNSEEN


class _Script:
    """One process: all the points that it can come to."""

    def __init__(
        self, ground: Ground, number: int, move: Move, restart: Callable[[str], None]
    ) -> None:
        self.move = move
        self.restart = restart
        self._stage, self._disks, self._number = ground.stage, ground.disks, number
        self._records: dict[tuple[Point, object], Record] = {}
        self.begin = self._place(())
        self._play_on(self.begin, 0)

    def after(self, point: Point, answer: Answer, disk: int) -> Point:
        """Where it comes to by this answer, when the disk is as numbered."""
        known = point.following.get(answer)
        if known is None:
            known = point.following[answer] = self._place((*point.answers, answer))
            self._play_on(known, disk)
        return known

    def acknowledged(self, point: Point, record: Record) -> Record:
        """The record with what the process was told up to this point."""
        key = point, record.key()
        known = self._records.get(key)
        if known is None:
            known = self._records[key] = record.copy()
            wanted: list[Wanted | None] = [None]

            def put_away(next_wanted: Wanted) -> Answer:
                wanted[0] = wanted[0] or next_wanted
                raise _PutAway

            told = self._play(point.answers, known, put_away)
            assert (told, wanted[0]) == (point.told, point.wanted), "played another way"
        return known

    def _place(self, answers: tuple[Answer, ...]) -> Point:
        return Point(answers, 1000 * (self._number + 1) + len(answers))

    def _play_on(self, point: Point, disk: int) -> None:
        """Play it to its end, as if the others stood still: that too is a way, point by point."""

        def further(wanted: Wanted) -> Answer:
            nonlocal point, disk
            point.wanted = wanted
            disk, answer = self._disks.carry_out(disk, wanted, point.handle)
            point.following[answer] = self._place((*point.answers, answer))
            point = point.following[answer]
            return answer

        told = self._play(point.answers, Record(), further)
        point.told = told

    def _play(
        self, answers: Sequence[Answer], record: Record, further: Callable[[Wanted], Answer]
    ) -> object:
        """Play it from its beginning; what it told in the end, None when it was put away."""
        fs: Any = _Played(self._stage, answers, further)
        self.restart(f"process {self._number}")
        try:
            owner, time = self.move.owner, self._stage.fs.time
            spool: Any = None
            if self._stage.has_spool:
                spool = open_memory_spool(fs, time, owner, fs.now, _no_sleep)
            told = self.move.act(Process(fs, spool, self._stage, record, is_alone=False))
        except _PutAway:
            return None
        except (LeaseLost, UnknownJob) as error:
            return type(error).__name__
        except SpoolqError as error:
            raise AssertionError(f"{self.move.name}: without any fault: {error!r}") from error
        return tuple(told) if isinstance(told, list) else told


def _no_sleep(_: float) -> None:
    """Time passes only by hand here."""


class _Disks:
    """All states of the file system that were met, by number, and what operations make of them."""

    def __init__(self, first: MemoryFileSystem) -> None:
        self.met = [first]
        self._numbers = {first.key(): 0}
        self._done: dict[tuple[int, Wanted, int], tuple[int, Answer]] = {}

    def carry_out(self, number: int, wanted: Wanted, handle: int) -> tuple[int, Answer]:
        """The state after an operation, and its answer."""
        handle = handle if wanted[0] in CHANGING else 0
        known = self._done.get((number, wanted, handle))
        if known is None:
            fs = self.met[number]
            if wanted[0] not in CHANGING:
                known = number, carry_out(fs, wanted, handle)
            else:
                fs = fs.copy()
                answer = carry_out(fs, wanted, handle)
                known = self._number(fs), answer
            self._done[number, wanted, handle] = known
        return known

    def _number(self, fs: MemoryFileSystem) -> int:
        number = self._numbers.setdefault(fs.key(), len(self.met))
        if number == len(self.met):
            self.met.append(fs)
        return number


class Ground:
    """A stage with all that was met on it: what several pairs of moves come to is played once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.disks = _Disks(stage.fs)
        self.judged: set[tuple[int, object]] = set()
        self._scripts: dict[tuple[int, str], _Script] = {}

    def script(self, number: int, move: Move, restart: Callable[[str], None]) -> _Script:
        """A move as the process of that number makes it."""
        known = self._scripts.get((number, move.name))
        if known is None:
            known = _Script(self, number, move, restart)
            self._scripts[number, move.name] = known
        known.restart = restart
        return known


State = tuple[int, tuple[Point, ...]]
"""The number of a disk, and how far each process has come."""


class Interleavings:
    """All the ways in which some moves, made at once on a copy of a stage, can go.

    At the end what all were told must hold. At every state on the way I1 and I6 must hold; at one
    in `crash_every` that differ all processes die, and others must be able to go on.
    """

    def __init__(self, ground: Ground, moves: Sequence[Move], crash_every: int = 0) -> None:
        self._ground = ground
        self.moves = moves
        self.states = self.crashes = self.ends = 0
        self._crash_every = crash_every
        self._disks = ground.disks
        self._scripts: list[_Script] = []
        self._visible = ground.stage.record.copy()
        self._named: set[int] = set()
        self._came_from: dict[State, tuple[State, int]] = {}

    def explore(self) -> int:
        """Judge every end that can be reached; how many interleavings that differ lead there."""
        with predictable("interleavings") as restart:
            ways = 0
            layer = {self._begin(restart): 1}
            while layer:
                following: dict[State, int] = {}
                for state, count in layer.items():
                    self._look_at(state)
                    ways += count * self._has_ended(state)
                    for number in self._next(state):
                        after = self._step(state, number)
                        following[after] = following.get(after, 0) + count
                layer = following
            return ways

    def walk(self, chance: random.Random) -> None:
        """One interleaving, by chance: for more processes than can be explored."""
        with predictable("interleavings") as restart:
            state = self._begin(restart)
            number, burst = 0, 0
            while open_ends := self._open_ends(state):
                if burst == 0 or number not in open_ends:
                    number, burst = chance.choice(open_ends), chance.choice((1, 1, 2, 3, 8))
                state = self._step(state, number)
                burst -= 1
                self._look_at(state)

    def _begin(self, restart: Callable[[str], None]) -> State:
        if not self._scripts:
            self._scripts = [
                self._ground.script(number, move, restart) for number, move in enumerate(self.moves)
            ]
            for script in self._scripts:
                # What they are about to publish may be seen at any time.
                self._visible = script.acknowledged(script.begin, self._visible)
        return 0, tuple(script.begin for script in self._scripts)

    @staticmethod
    def _open_ends(state: State) -> list[int]:
        return [number for number, point in enumerate(state[1]) if point.wanted is not None]

    def _next(self, state: State) -> list[int]:
        """Whose operation may come next: anybody's, unless one can neither see nor be seen.

        Such an operation comes to the same before and after any other: at once is every order.
        """
        open_ends = self._open_ends(state)
        for number in open_ends:
            wanted = state[1][number].wanted
            if wanted is not None and _is_unseen(*wanted):
                return [number]
        return open_ends

    def _has_ended(self, state: State) -> bool:
        return all(point.wanted is None for point in state[1])

    def _step(self, state: State, number: int) -> State:
        disk, points = state
        point = points[number]
        assert point.wanted is not None
        disk, answer = self._disks.carry_out(disk, point.wanted, point.handle)
        moved = point.following.get(answer)
        if moved is None:
            with told_of(self._way_to(state)):
                moved = self._scripts[number].after(point, answer, disk)
        after = disk, (*points[:number], moved, *points[number + 1 :])
        self._came_from.setdefault(after, (state, number))
        return after

    def _look_at(self, state: State) -> None:
        disk, points = state
        self.states += 1
        if disk not in self._named:
            self._named.add(disk)
            with told_of(self._way_to(state)):
                assert_names(self._disks.met[disk], self._visible, EVERYTHING)
        ended = self._has_ended(state)
        self.ends += ended
        if ended or (self._crash_every and self.states % self._crash_every == 0):
            self._judge(disk, points, state)
            self.crashes += not ended

    def _judge(self, disk: int, points: Sequence[Point], state: State) -> None:
        """What the processes were told, taken together, must hold from now on.

        Acknowledgements have no order here, so they are written down in the one that allows most:
        what was pruned, what holders did, who took what, and then the rest.
        """
        with told_of(self._way_to(state)):
            record = self._ground.stage.record
            for number in sorted(range(len(self.moves)), key=self._rank):
                record = self._scripts[number].acknowledged(points[number], record)
                told = points[number].told
                assert told != "UNKNOWN" or self._may_vanish(), "lost sight of the job"
            case = disk, record.key()
            if case not in self._ground.judged:
                self._ground.judged.add(case)
                after = self._disks.met[disk].copy()
                after.handles.clear()
                assert_guarantees(after, record.copy())

    def _way_to(self, state: State) -> Callable[[], str]:
        """A text, made only when it is needed: who did what, on the way to this state."""

        def told() -> str:
            steps: list[str] = []
            at = state
            while at in self._came_from:
                at, number = self._came_from[at]
                steps.append(f"{self.moves[number].name} ({number}): {at[1][number].wanted}")
            return "\n".join(["on this way:", *reversed(steps[:MOST_TOLD_STEPS])])

        return told

    def _rank(self, number: int) -> tuple[bool, ...]:
        move = self.moves[number]
        starts = move.name.startswith
        return not starts("prune"), move.owner != HOLDER, not starts("claim")

    def _may_vanish(self) -> bool:
        return any(move.name.startswith("prune") for move in self.moves)
