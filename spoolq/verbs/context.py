"""An open spool as the verbs see it: the file seam, the clock, the settings, who we are."""

from __future__ import annotations

import itertools
import time

from spoolq.disk import chance
from spoolq.disk.atomic import write_new
from spoolq.disk.chance import random_text
from spoolq.disk.filesystem import Foreign
from spoolq.rules import layout, names, records
from spoolq.rules.names import PLAIN_RANDOM_LENGTH
from spoolq.rules.times import second_in_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq.disk.clock import ServerClock
    from spoolq.disk.filesystem import FileSystem
    from spoolq.rules.records import Meta
    from spoolq.rules.settings import Settings
    from spoolq.verbs.journal import Journal


class OpenSpool:
    """What every verb takes first.

    `owner`, `host` and `pid` are callables' results at the time of use where a fork may change
    them; `pid` is asked for each time. Processes that take jobs have a journal.
    """

    __slots__ = (
        "_last_microsecond", "_tokens", "chance", "clock", "fs", "host", "journal", "owner", "pid",
        "settings", "sleep", "syncs_endings", "syncs_publish",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917
        self,
        fs: FileSystem,
        clock: ServerClock,
        settings: Settings,
        owner: str,
        host: str,
        pid: Callable[[], int],
        chance: Callable[[], float] = chance.random_fraction,
        sleep: Callable[[float], None] = time.sleep,
        journal: Journal | None = None,
    ) -> None:
        self.fs = fs
        self.clock = clock
        self.settings = settings
        self.owner = owner
        self.host = host
        self.pid = pid
        self.chance = chance
        self.sleep = sleep
        self.journal = journal
        self.syncs_publish = settings.syncs_publish
        self.syncs_endings = settings.syncs_endings
        self._last_microsecond = 0
        self._tokens: tuple[int, str, Iterator[int]] = (-1, "", iter(()))

    def token(self) -> str:
        """A name no other process, host or time has: `<host>-<pid>-<random>`, as leases bear."""
        forks, stem, numbers = self._tokens
        if forks != chance.forks:
            # Counting on from a random text costs less than a random text for each.
            stem = names.lease_stem(self.host, self.pid()) + random_text()
            numbers = itertools.count(1)
            self._tokens = (chance.forks, stem, numbers)
        return f"{stem}{next(numbers)}"

    def new_id(self, priority: int, *, options: bool, now: float) -> str:
        """A new job's id; later calls of one process sort after earlier ones."""
        # RACE: two threads may read the same value; their ids then differ in the random part.
        microsecond, last = int(now * 1e6), self._last_microsecond
        if microsecond <= last:
            microsecond = last + 1
        self._last_microsecond = microsecond
        digits = str(microsecond)
        second, random = second_in_names(digits[:-6]), random_text()
        if not options:
            random = random[:PLAIN_RANDOM_LENGTH]
        return f"{priority}-{second}{digits[-6:]}-{random}"

    def surely_past(self) -> float:
        """The server's time, or an earlier one where a full disk lets no file be made to ask it."""
        try:
            return self.clock.fresh_now()
        except OSError:
            return self.stamped_last()

    def stamped_last(self) -> float:
        """When a job last came to done/ or left it: the server's own stamp."""
        entry = self.fs.lstat(layout.DONE)
        return 0.0 if entry is None else entry.modified_at

    def meta(self, job_id: str) -> Meta:
        """The options of a job; none for most, without asking the file system."""
        if not names.has_options(job_id):
            return records.NO_META
        data = self.read_record(layout.meta(job_id))
        return records.NO_META if data is None else records.load_meta(data)

    def read_record(self, name: str) -> bytes | None:
        """A record's bytes; None when it is missing, foreign or too large."""
        try:
            return self.fs.read_record(name, records.MAX_RECORD_BYTES)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, Foreign):
            return None

    def write_record(self, name: str, values: dict[str, object], *, sync: bool) -> None:
        """A record under a name that nobody reads before a rename makes it known."""
        write_new(self.fs, self.clock, name, records.dump(values), sync=sync)
