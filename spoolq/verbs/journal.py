"""The journal: what became of attempts, for statistics. Written in passing, read by reports.

An ending costs no operation for it: attempts are noted in memory, and appended with one write a
second at most, to a file in sys/journal/ that this process alone writes. A killed process loses
what it has not written down yet: lines of statistics, never a job.
"""

from __future__ import annotations

import atexit
import math
import threading

from spoolq.disk.atomic import discard, make_directory
from spoolq.disk.chance import random_text
from spoolq.disk.filesystem import Foreign
from spoolq.later import log_named
from spoolq.rules import journal, layout, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from spoolq.rules.journal import Attempt
    from spoolq.rules.names import LeasedName
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.journal")
PAUSE_AFTER_ERROR_SECONDS = 60.0
MOST_PARTS = journal.MOST_UNWRITTEN * journal.PARTS

_unwritten: set[Journal] = set()
"""Journals with something to write, so that it is not lost with its Spool or at exit."""


class Journal:
    """What one process has to tell of the attempts that ended in its hands."""

    def __init__(self, spool: OpenSpool) -> None:
        self._fs, self._clock = spool.fs, spool.clock
        self._owner, self._host = spool.owner, spool.host
        self._asked_pid, self._pid = spool.pid, spool.pid()
        self._is_on = spool.settings.journal_seconds > 0
        # Attempts one behind the other, in PARTS parts each: a tuple for each would live a second,
        # and thousands of them cost more than all else here.
        self._noted: list[Any] = []
        self._lock = threading.Lock()
        self._write_at, self._not_before = math.inf, -math.inf
        self._file = ""
        self._file_bytes = 0
        self._begun_at = 0.0

    def note(  # noqa: PLR0917 - an attempt has as many parts
        self,
        outcome: str,
        job_id: str,
        attempt: int,
        taken_at: float | None,
        reason: str | None = None,
        owner: str | None = None,
    ) -> None:
        """An attempt ended just now. Touches no file, unless very many wait to be written.

        `taken_at` is server time; an attempt that this process did not see begin (None) is not told.
        """
        if not self._is_on or taken_at is None:
            return
        now, noted = self._clock.local(), self._noted
        if not noted:
            _unwritten.add(self)
            self._write_at = max(now + journal.WRITE_EVERY_SECONDS, self._not_before)
        # RACE: one step, to other threads. Ended `now`: local seconds until it is written down.
        noted.extend((outcome, job_id, attempt, taken_at, now, owner or self._owner, reason))
        if len(noted) >= MOST_PARTS:
            if now < self._not_before:
                del noted[: journal.PARTS]
            else:
                self.write()

    def seconds_left(self) -> float:
        """Until there is something to be written down."""
        return self._write_at - self._clock.local() if self._noted else math.inf

    def write_if_due(self) -> None:
        """Write down what was noted, when the oldest of it is a second old."""
        if self._noted and self._clock.local() >= self._write_at:
            self.write()

    def write(self) -> None:
        """Write down what was noted. Never fails: statistics must not stop the work."""
        if not self._noted or not self._lock.acquire(blocking=False):
            return  # another thread is at it
        try:
            _unwritten.discard(self)
            if self._asked_pid() == self._pid:
                self._append(self._taken_lines())
            else:
                self._noted.clear()  # a fork: this is for the parent to tell
        except OSError as error:
            _log.warning("journal of %s: %s", self._fs.root, error)
            self._file = ""
            self._not_before = self._clock.local() + PAUSE_AFTER_ERROR_SECONDS
        finally:
            self._lock.release()

    def _taken_lines(self) -> str:
        count = len(self._noted)
        taken = self._noted[:count]
        del self._noted[:count]  # RACE: others go on noting behind it
        ahead = self._clock.now() - self._clock.local()
        parts = iter(taken)
        return journal.lines(zip(*[parts] * journal.PARTS, strict=True), self._owner, ahead)

    def _append(self, text: str) -> None:
        now = self._clock.now()
        is_old = now - self._begun_at > journal.FILE_SECONDS
        if not self._file or is_old or self._file_bytes >= journal.FILE_BYTES:
            token = names.lease_name(self._host, self._pid, random_text())
            self._file = f"{layout.JOURNAL}/{names.JournalName(now, token)}"
            self._begun_at, self._file_bytes = now, 0
            text = journal.first_line(self._owner) + text
        data = text.encode()
        handle = self._opened()
        try:
            self._fs.write(handle, data)
        finally:
            self._fs.close(handle)
        self._file_bytes += len(data)

    def _opened(self) -> int:
        try:
            return self._fs.append(self._file)
        except FileNotFoundError:
            make_directory(self._fs, layout.JOURNAL)
            return self._fs.append(self._file)


@atexit.register
def _write_all() -> None:
    for one in tuple(_unwritten):
        one.write()


def note(  # noqa: PLR0917 - as the method
    spool: OpenSpool,
    outcome: str,
    held: LeasedName,
    taken_at: float | None,
    reason: str | None = None,
    owner: str | None = None,
) -> None:
    """As `Journal.note`, where this process has one: those that take jobs do."""
    if spool.journal is not None:
        spool.journal.note(outcome, held.id, held.attempt, taken_at, reason, owner)


def read(spool: OpenSpool, since: float = 0.0) -> Iterator[Attempt]:
    """Attempts that ended at `since` (server seconds) or later, file by file, in no useful order.

    Costs a listing, and a look at each file that may tell of that time (1 MiB each); lines and
    files that cannot be understood are left out.
    """
    for name, begun_at, token in _files(spool):
        if since and begun_at < since - 2 * journal.FILE_SECONDS:
            continue
        path = f"{layout.JOURNAL}/{name}"
        if since:
            entry = spool.fs.lstat(path)
            if entry is None or entry.modified_at < since:
                continue
        try:
            data = spool.fs.read(path, journal.MOST_FILE_BYTES)
        except (OSError, Foreign):
            continue  # pruned meanwhile, or not ours
        yield from journal.attempts(data, token, since)


def of_job(spool: OpenSpool, job_id: str, since: float, most_bytes: int) -> Iterator[Attempt]:
    """The attempts of one job that ended at `since` or later, as far as `most_bytes` of files tell.

    Costs a look at each file; those that were written to since then are read, the newest first.
    """
    wanted = f'"{job_id}"'.encode()
    for name, _, token in reversed(_files(spool)):
        path = f"{layout.JOURNAL}/{name}"
        entry = spool.fs.lstat(path)
        if entry is None or entry.modified_at < since:
            continue
        most_bytes -= entry.size
        if most_bytes < 0:
            return
        try:
            data = spool.fs.read(path, journal.MOST_FILE_BYTES)
        except (OSError, Foreign):
            continue
        if wanted in data:
            yield from (one for one in journal.attempts(data, token, since) if one.id == job_id)


def _files(spool: OpenSpool) -> list[tuple[str, float, str]]:
    """(name, begun at, writer) of the journal's files, oldest first."""
    try:
        found = sorted(spool.fs.list(layout.JOURNAL))
    except FileNotFoundError:
        return []
    parsed = [(name, names.parse_journal(name)) for name in found]
    return [(name, ours.begun, ours.token) for name, ours in parsed if ours is not None]


def prune(spool: OpenSpool) -> int:
    """Remove what is older than the settings' journal_seconds, and what is too much; how many files."""
    files = _files(spool)
    if not files:
        return 0
    # A file tells of the day after it was begun.
    begun_by = spool.clock.fresh_now() - spool.settings.journal_seconds - journal.FILE_SECONDS
    total, removed = 0, 0
    for position, (name, begun_at, _) in enumerate(reversed(files)):
        path = f"{layout.JOURNAL}/{name}"
        entry = spool.fs.lstat(path)
        if entry is None or entry.kind != "file":
            continue
        total += entry.size
        if (
            begun_at < begun_by
            or position >= journal.MOST_FILES
            or total > journal.MOST_TOTAL_BYTES
        ):
            removed += discard(spool.fs, path)
    return removed
