"""Every interleaving of several processes' file operations, at the seam, without a thread.

A process is a function of what its operations told it. So it is played from its beginning with the
answers so far, carries out one operation more, and is put away: any state of the file system can
go on with any process, and states that were met before (the same files, the same answers) need not
be explored again. That makes millions of interleavings a few hundred states, and leaves none out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spoolq import LeaseLost, SpoolqError, UnknownJob
from spoolq.disk.filesystem import Foreign
from spoolq.rules import layout
from support.faulty_fs import LISTINGS, OPERATIONS
from support.memory_spool import open_memory_spool, predictable
from support.moves import Process
from support.record import EVERYTHING, Aftermath, Record, assert_names
from support.stages import HOLDER

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from support.moves import Move
    from support.stages import Stage

Answers = tuple[tuple[str, Any], ...]
TIME, TOLD, OSERROR, FOREIGN = "time", "told", "oserror", "foreign"


class _PutAway(BaseException):
    """A process has carried out its one operation and wants another: not now."""


class _Played:
    """The seam as one process sees it: answers given before, then one real operation."""

    def __init__(self, stage: Stage, number: int, answers: Answers, operations: int) -> None:
        self.fs = stage.fs
        self.root, self.is_network = stage.fs.root, stage.fs.is_network
        self.answers = list(answers)
        self._number = number
        self._at = 0
        self._left = operations
        self._is_away = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        assert name in OPERATIONS, name
        operation = self._played(name, getattr(self.fs, name))
        setattr(self, name, operation)
        return operation

    def now(self) -> float:
        """The local clock: what it told before is told again."""
        if self._at == len(self.answers):
            self.answers.append((TIME, self.fs.time.local))
        kind, told = self.answers[self._at]
        assert kind == TIME, "played another way than before"
        self._at += 1
        return float(told)

    def _played(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def played(*args: Any) -> Any:
            if args[0] == layout.SETTINGS:
                return call(*args)  # written once, before anything: in nobody's way
            if self._is_away:
                raise _PutAway
            if self._at == len(self.answers):
                self._carry_out(name, call, args)
            kind, told = self.answers[self._at]
            self._at += 1
            return _answer(name, kind, told)

        return played

    def _carry_out(self, name: str, call: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if not self._left:
            self._is_away = True
            raise _PutAway
        self._left -= 1
        self.fs.next_handle = 1000 * (self._number + 1) + len(self.answers)
        try:
            told = call(*args)
        except OSError as error:
            facts = (error.errno, error.strerror, error.filename, None, error.filename2)
            self.answers.append((OSERROR, facts))
        except Foreign as error:
            self.answers.append((FOREIGN, (type(error), error.name, error.reason)))
        else:
            self.answers.append((TOLD, tuple(sorted(told)) if name in LISTINGS else told))


def _answer(name: str, kind: str, told: Any) -> Any:
    if kind == OSERROR:
        raise OSError(*told)
    if kind == FOREIGN:
        raise told[0](*told[1:])
    assert kind == TOLD, "played another way than before"
    if name == "list":
        return list(told)
    return iter(told) if name in LISTINGS else told


@dataclass
class Seat:
    """How far one process has come: its answers, and, once it has ended, how."""

    answers: Answers = ()
    has_ended: bool = False
    told: object = None


def _no_sleep(_: float) -> None:
    """Time passes only by hand here."""


class Interleavings:
    """All the ways in which some moves, made at once on a copy of a stage, can go.

    At the end what all were told must hold. At every state on the way I1 and I6 must hold; at one
    in `crash_every` all processes die, and others must be able to go on.
    """

    def __init__(self, stage: Stage, moves: Sequence[Move], crash_every: int = 0) -> None:
        self.stage = stage
        self.moves = moves
        self.states = 0
        self.crashes = 0
        self._crash_every = crash_every
        self._ways: dict[tuple[Any, ...], int] = {}
        self._visible = stage.record.copy()

    def explore(self) -> int:
        """Judge every end that can be reached; how many interleavings lead there."""
        with predictable("interleavings") as self._restart:
            self._note_attempts()
            return self._ways_from(self.stage, tuple(Seat() for _ in self.moves))

    def _note_attempts(self) -> None:
        """What they are about to publish may be seen at any time."""
        for number in range(len(self.moves)):
            self._play(self.stage.copy(), number, Seat(), self._visible, 0)

    def _play(self, stage: Stage, number: int, seat: Seat, record: Record, operations: int) -> Seat:
        """Play a process from its beginning, and let it carry out so many operations more."""
        move = self.moves[number]
        fs = _Played(stage, number, seat.answers, operations)
        self._restart(f"process {number}")
        try:
            spool = open_memory_spool(fs, stage.fs.time, move.owner, fs.now, _no_sleep)  # type: ignore[arg-type]
            told = move.act(Process(spool, stage, record, is_alone=False))
        except _PutAway:
            return Seat(tuple(fs.answers))
        except (LeaseLost, UnknownJob) as error:
            told = type(error).__name__
        except SpoolqError as error:
            raise AssertionError(f"{move.name}: without any fault: {error!r}") from error
        return Seat(tuple(fs.answers), True, tuple(told) if isinstance(told, list) else told)

    def _ways_from(self, stage: Stage, seats: tuple[Seat, ...]) -> int:
        key = (stage.fs.key(), tuple((seat.answers, seat.has_ended) for seat in seats))
        known = self._ways.get(key)
        if known is None:
            self._look_at(stage, seats)
            known = self._ways[key] = self._go_on(stage, seats)
        return known

    def _go_on(self, stage: Stage, seats: tuple[Seat, ...]) -> int:
        open_ends = [number for number, seat in enumerate(seats) if not seat.has_ended]
        if not open_ends:
            return 1
        ways = 0
        for number in open_ends:
            after = stage.copy()
            moved = self._play(after, number, seats[number], Record(), 1)
            ways += self._ways_from(after, (*seats[:number], moved, *seats[number + 1 :]))
        return ways

    def _look_at(self, stage: Stage, seats: Sequence[Seat]) -> None:
        self.states += 1
        assert_names(stage.fs, self._visible, EVERYTHING)
        ended = all(seat.has_ended for seat in seats)
        crash = self._crash_every and self.states % self._crash_every == 0
        if ended or crash:
            self.crashes += not ended
            self._judge(stage, seats)

    def walk(self, chance: random.Random) -> None:
        """One interleaving, by chance: for more processes than can be explored."""
        with predictable("interleavings") as self._restart:
            self._note_attempts()
            stage, seats = self.stage.copy(), [Seat() for _ in self.moves]
            number, burst = 0, 0
            while open_ends := [each for each, seat in enumerate(seats) if not seat.has_ended]:
                if burst == 0 or number not in open_ends:
                    number, burst = chance.choice(open_ends), chance.choice((1, 1, 2, 3, 8))
                seats[number] = self._play(stage, number, seats[number], Record(), 1)
                burst -= 1
                self._look_at(stage, seats)

    def _judge(self, stage: Stage, seats: Sequence[Seat]) -> None:
        """What the processes were told, taken together, must hold from now on.

        Acknowledgements have no order here, so they are written down in the one that allows most:
        what was pruned, what holders did, who took what, and then the rest.
        """
        record = stage.record.copy()
        for number in sorted(range(len(self.moves)), key=self._rank):
            again = self._play(stage.copy(), number, seats[number], record, 0)
            assert again.told == seats[number].told, "played another way than before"
            assert again.told != "UNKNOWN" or self._may_vanish(), "lost sight of the job"
        after = stage.copy()
        after.fs.handles.clear()
        Aftermath(after.fs, record, EVERYTHING).check()

    def _rank(self, number: int) -> tuple[bool, ...]:
        move = self.moves[number]
        starts = move.name.startswith
        return not starts("prune"), move.owner != HOLDER, not starts("claim")

    def _may_vanish(self) -> bool:
        return any(move.name.startswith("prune") for move in self.moves)
