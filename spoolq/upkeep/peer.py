"""Two probes on two hosts: they meet in sys/tmp/, call and answer, and race for the same files.

Who comes second takes the first one's greeting by renaming it; that rename makes the pair. All
delays are differences of the file server's stamps, so neither host's clock matters.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spoolq.disk.atomic import discard
from spoolq.disk.chance import random_text
from spoolq.disk.probing import write
from spoolq.rules import layout
from spoolq.rules.fitness import Check

if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

CALLS = 20
RACES = 60
RACE_STEP_SECONDS = 0.01
LOOK_SECONDS = 0.02
SILENCE_SECONDS = 15.0


class _NoAnswer(Exception):
    """The other side is gone."""


@dataclass(slots=True)
class _Delays:
    """Seconds from a name's making on one host to the answer of the other, which listed it."""

    there: list[float]
    back: list[float]


def meet(spool: OpenSpool, wait_seconds: float) -> list[Check]:
    """Find another probe that wants to meet within `wait_seconds`, and measure with it."""
    me = random_text()
    give_up_at = time.monotonic() + wait_seconds
    while (left := give_up_at - time.monotonic()) > 0:
        found = _find_partner(spool, me, left)
        if found is None:
            break
        pair, calls_first = found
        try:
            return _Meeting(spool, pair, calls_first=calls_first).hold()
        except _NoAnswer:
            me = random_text()  # a killed probe's greeting: look for another
    what = f"no other host came within {wait_seconds:g} s"
    advice = "run spoolq doctor --probe --peer on a second host at the same time"
    return [Check("peer", "untested", what, advice)]


def _path(word: str) -> str:
    return f"{layout.TMP}/peer-{word}.probe"


def _find_partner(spool: OpenSpool, me: str, left: float) -> tuple[str, bool] | None:
    """The pair's name, and whether we were there first; None when nobody came."""
    give_up_at = time.monotonic() + left
    write(spool.fs, _path(me), b"")
    try:
        while time.monotonic() < give_up_at:
            words = _words(spool)
            for word in words:
                if word.endswith(f"-{me}"):
                    return word, True
            others = [word for word in words if len(word) == len(me) and word < me]
            # Who bears the later name takes the other one, and only if nobody has taken it.
            if others and discard(spool.fs, _path(me)):
                pair = f"{me}-{others[0]}"
                try:
                    spool.fs.rename(_path(others[0]), _path(pair))
                except FileNotFoundError:
                    write(spool.fs, _path(me), b"")
                else:
                    return pair, False
            time.sleep(LOOK_SECONDS)
        return None
    finally:
        discard(spool.fs, _path(me))


def _words(spool: OpenSpool) -> list[str]:
    listed = spool.fs.list(layout.TMP)
    ours = [name for name in listed if name.startswith("peer-") and name.endswith(".probe")]
    return [name[len("peer-") : -len(".probe")] for name in ours]


class _Meeting:
    """One pair's tests, from one side."""

    def __init__(self, spool: OpenSpool, pair: str, *, calls_first: bool) -> None:
        self._spool = spool
        self._pair = pair
        self._calls_first = calls_first
        self._side, self._other = ("a", "b") if calls_first else ("b", "a")
        self._made = [pair]

    def hold(self) -> list[Check]:
        """Run all tests; what this side made is gone afterwards."""
        try:
            delays = self._call_and_answer()
            wrong = self._race()
            host = self._introduce()
            self._part()
        finally:
            for word in self._made:
                discard(self._spool.fs, _path(word))
        return [
            _seen_check("peer sees us", delays.there if self._calls_first else delays.back, host),
            _seen_check("we see peer", delays.back if self._calls_first else delays.there, host),
            _race_check(wrong),
        ]

    def _write(self, word: str, content: bytes = b"", *, renamed: bool = False) -> float:
        """Make a name of the pair's, as a new file or by rename; the server's stamp of it."""
        named = f"{self._pair}-{word}"
        self._made.append(named)
        if not renamed:
            return write(self._spool.fs, _path(named), content)
        draft = _path(f"{named}-draft")
        stamp = write(self._spool.fs, draft, content)
        self._spool.fs.rename(draft, _path(named))
        return stamp

    def _await(self, word: str) -> str:
        """List until a name of the pair's is there; its path."""
        wanted = f"{self._pair}-{word}"
        give_up_at = time.monotonic() + SILENCE_SECONDS
        while wanted not in _words(self._spool):
            if time.monotonic() > give_up_at:
                raise _NoAnswer
            time.sleep(LOOK_SECONDS)
        return _path(wanted)

    def _stamp_of(self, word: str) -> float:
        entry = self._spool.fs.lstat(self._await(word))
        if entry is None:
            raise _NoAnswer
        return entry.modified_at

    def _call_and_answer(self) -> _Delays:
        """Each side answers as soon as it sees the other's name; every second one is a rename."""
        stamps: list[float] = []
        for number in range(2 * CALLS):
            if (number % 2 == 0) == self._calls_first:
                stamps.append(self._write(str(number), renamed=number % 4 > 1))
            else:
                stamps.append(self._stamp_of(str(number)))
        steps = [later - first for first, later in itertools.pairwise(stamps)]
        return _Delays(there=steps[0::2], back=steps[1::2])

    def _race(self) -> int:
        """Both rename the same files at the same moments; how many had not one winner."""
        files = [f"{self._pair}-race{number}" for number in range(RACES)]
        if self._calls_first:
            for word in files:
                write(self._spool.fs, _path(word), b"")
            start = self._spool.clock.fresh_now(0.0) + 1.0
            self._write("go", repr(start).encode())
        start = float(self._spool.fs.read(self._await("go"), 100))
        self._spool.clock.fresh_now(0.0)
        won = []
        for number, word in enumerate(files):
            moment = start + number * RACE_STEP_SECONDS
            time.sleep(max(0.0, moment - self._spool.clock.now()))
            if self._claim(word):
                won.append(number)
        others = self._exchange("won", json.dumps(won).encode())
        return sum((n in won) + (n in json.loads(others)) != 1 for n in range(RACES))

    def _claim(self, word: str) -> bool:
        mine = f"{word}-{self._side}"
        try:
            self._spool.fs.rename(_path(word), _path(mine))
        except FileNotFoundError:
            return False
        self._made.append(mine)
        return True

    def _introduce(self) -> str:
        return self._exchange("host", self._spool.host.encode()).decode(errors="replace")

    def _exchange(self, word: str, content: bytes) -> bytes:
        """Tell the other side something and hear the same of it; both have read when it returns."""
        other = self._other
        self._write(f"{word}-{self._side}", content, renamed=True)  # whole at once
        heard = self._spool.fs.read(self._await(f"{word}-{other}"), 10_000)
        self._write(f"{word}-read-{self._side}")
        self._await(f"{word}-read-{other}")
        return heard

    def _part(self) -> None:
        """Leave together: each removes the other's farewell, for its own may not be seen yet."""
        write(self._spool.fs, _path(f"{self._pair}-bye-{self._side}"), b"")
        discard(self._spool.fs, self._await(f"bye-{self._other}"))


def _seen_check(check: str, delays: list[float], host: str) -> Check:
    middle, most = statistics.median(delays), max(delays)
    what = f"new names are seen after {middle:.3f} s (at most {most:.3f} s), {host} being the peer"
    figures = {"peer": host, "median_seconds": middle, "most_seconds": most, "names": len(delays)}
    if most > 5.0:
        advice = "jobs of other hosts start late: mount without nocto, or with a shorter acdirmax"
        return Check(check, "note", what, advice, figures)
    return Check(check, "ok", what, figures=figures)


def _race_check(wrong: int) -> Check:
    figures = {"rounds": RACES, "wrong": wrong}
    if wrong:
        what = f"{wrong} of {RACES} renames from both hosts had not exactly one winner"
        advice = "two hosts would take one job: do not put a spool here"
        return Check("rename against peer", "unsafe", what, advice, figures)
    what = f"one winner in each of {RACES} races of the two hosts"
    return Check("rename against peer", "ok", what, figures=figures)
