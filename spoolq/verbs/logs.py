"""logs: finding and reading what the runs of a command wrote, also while they write."""

from __future__ import annotations

from dataclasses import dataclass

from spoolq.disk.filesystem import Foreign
from spoolq.rules import layout, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.rules.names import LogName
    from spoolq.verbs.context import OpenSpool


@dataclass(frozen=True, slots=True)
class Log:
    """One stream of one run: its name, size in bytes, and when it was last written to."""

    name: LogName
    size: int
    modified_at: float

    @property
    def path(self) -> str:
        """Relative to the spool."""
        return f"{layout.LOGS}/{self.name}"

    @property
    def run(self) -> tuple[int, str]:
        """Which run of the job wrote it: its attempt, and the lease that it began under."""
        return self.name.attempt, self.name.lease


def of_job(spool: OpenSpool, job_id: str) -> list[Log]:
    """The logs of a job by the order of its runs, each run's output before its errors.

    A stream that nothing was written to has no log; a link or a file of two names is none, as
    `read` would not read it.
    """
    prefix = job_id + "."
    found = []
    for name in spool.fs.iterate(layout.LOGS):
        parsed = names.parse_log(name) if name.startswith(prefix) else None
        entry = spool.fs.lstat(f"{layout.LOGS}/{name}") if parsed else None
        if parsed and entry and entry.kind == "file" and entry.links == 1:
            found.append(Log(parsed, entry.size, entry.modified_at))
    # Attempts begin at 1 again after a retry, so runs are told by when they last wrote.
    last = {log.run: 0.0 for log in found}
    for log in found:
        last[log.run] = max(last[log.run], log.modified_at)
    return sorted(found, key=lambda log: (last[log.run], log.run, log.name.stream != "out"))


def look_anew(spool: OpenSpool) -> None:
    """See that the next listing has every log there is: one that a dead run has just made, too."""
    if spool.fs.is_network:
        try:
            # NFS: a listing can miss what was made in the clock tick of the last one.
            spool.fs.touch_directory(layout.LOGS)
        except OSError:
            pass  # who may only read sees it a little later


def read(spool: OpenSpool, log: LogName, offset: int, size: int) -> bytes:
    """Up to `size` bytes of a log from `offset` on; b"" at its present end, or when it is gone.

    Raises:
        OSError: it may not be read.
    """
    try:
        return spool.fs.read_part(f"{layout.LOGS}/{log}", offset, size)
    except (FileNotFoundError, Foreign):
        return b""
