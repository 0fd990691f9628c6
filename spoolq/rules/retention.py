"""How long ended jobs are kept: by age, by number, by size. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spoolq.rules.settings import checked_count, checked_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.rules.settings import Settings

SECOND = slice(2, 17)
"""Where a job's id tells the second it was published in."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What is to be kept of the jobs that are done: all that no bound speaks against.

    Attributes:
        seconds: since they ended; inf: of any age.
        jobs: so many, those published last; 0: of any number.
        size_bytes: so much of task, result and record together; 0: of any size.
    """

    seconds: float = math.inf
    jobs: int = 0
    size_bytes: int = 0

    @property
    def counts(self) -> bool:
        """Whether the jobs have to be counted before any can be chosen."""
        return self.jobs > 0 or self.size_bytes > 0


def chosen(
    settings: Settings,
    older_than_seconds: float | None,
    keep_jobs: int | None,
    keep_bytes: int | None,
) -> Keep:
    """The spool's own retention where nothing is given, else what is given and no more.

    Raises:
        InvalidSetting: a bound that makes no sense.
    """
    if older_than_seconds is None and keep_jobs is None and keep_bytes is None:
        return Keep(settings.retention_seconds, settings.retention_jobs, settings.retention_bytes)
    seconds = math.inf
    if older_than_seconds is not None:
        seconds = checked_seconds("older_than_seconds", older_than_seconds)
    return Keep(
        seconds,
        0 if keep_jobs is None else checked_count("keep_jobs", keep_jobs, 1, 10**12),
        0 if keep_bytes is None else checked_count("keep_bytes", keep_bytes, 1, 2**60),
    )


class Tally:
    """How many jobs of how many bytes were published in each second; small however many there are."""

    def __init__(self) -> None:
        self._jobs: dict[str, int] = {}
        self._bytes: dict[str, int] = {}

    def add(self, job_id: str, *, is_task: bool, size: int) -> None:
        """A task, or a record or result that goes with one."""
        second = job_id[SECOND]
        self._jobs[second] = self._jobs.get(second, 0) + is_task
        self._bytes[second] = self._bytes.get(second, 0) + size

    def last_to_go(self, keep: Keep) -> str:
        """Jobs published in this second or before are too many; "" when none are.

        Never asks for more than necessary: what is kept is over the bound by up to a second's jobs.
        """
        jobs = size = 0
        for second in sorted(self._jobs, reverse=True):
            if (keep.jobs and jobs >= keep.jobs) or (keep.size_bytes and size >= keep.size_bytes):
                return second
            jobs += self._jobs[second]
            size += self._bytes[second]
        return ""
