"""Doing one thing to each of several jobs: all are tried, the first failure decides the status."""

from __future__ import annotations

from spoolq.cli import output
from spoolq.cli.failures import told
from spoolq.errors import Closed, SpoolqError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def each(names: Iterable[str], act: Callable[[str], None]) -> int:
    """Call `act` with each name; tell of each failure; 0 or the exit status of the first one."""
    first = 0
    for name in names:
        try:
            act(name)
        except Closed:
            raise
        except SpoolqError as error:
            output.say(told(error))
            first = first or error.exit_code
    return first
