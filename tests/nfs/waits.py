"""A consumer that tells each of its looks at ready/: `python -m nfs.waits SPOOL COUNT`. In a guest."""

from __future__ import annotations

import sys
from typing import Any

from nfs.load import say
from nfs.requests import Counting
from spoolq import Spool
from spoolq.queue import internals
from spoolq.rules import layout


class Telling(Counting):
    """A FileSystem that says when a listing of ready/ begins."""

    def list(self, name: str) -> list[str]:
        """As the real one."""
        _tell(name)
        return super().list(name)

    def iterate(self, name: str) -> Any:
        """As the real one."""
        _tell(name)
        return super().iterate(name)

    def iterate_files(self, name: str) -> Any:
        """As the real one."""
        _tell(name)
        return super().iterate_files(name)


def _tell(name: str) -> None:
    if name == layout.READY:
        say("looks")


def main(path: str, count: int) -> None:
    """Do so many jobs as they come."""
    with Spool(path) as spool:
        internals(spool).fs = Telling(internals(spool).fs)  # type: ignore[assignment]
        say("waits")
        for _ in range(count):
            job = spool.get_job(None)
            say("has", job.id)
            job.done()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
