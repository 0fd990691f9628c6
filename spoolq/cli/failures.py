"""How commands end when something went wrong: one line for a person, a status for a script.

Imported only then. SPOOLQ_DEBUG=1 shows tracebacks.
"""

from __future__ import annotations

import os
import sys

from spoolq.cli import output
from spoolq.cli.options import UsageError
from spoolq.errors import SpoolqError, StorageError

SIGINT_STATUS = 130
SIGPIPE_STATUS = 141


def exit_status(error: BaseException) -> int:
    """Say what `error` means (nothing for Ctrl-C and a closed pipe) and return the status."""
    if os.environ.get("SPOOLQ_DEBUG", "0") not in {"", "0"}:
        _show_traceback(error)
    if isinstance(error, KeyboardInterrupt):
        return SIGINT_STATUS
    if isinstance(error, BrokenPipeError) and not isinstance(error, SpoolqError):
        _drop_output()
        return SIGPIPE_STATUS
    output.say(told(error))
    if isinstance(error, OSError):
        _flush_or_drop_output()
    return status_of(error)


def status_of(error: BaseException) -> int:
    """The exit status that belongs to an error."""
    if isinstance(error, SpoolqError):
        return error.exit_code
    return 2 if isinstance(error, UsageError) else 1


def told(error: BaseException) -> str:
    """An error in one line that names the file and says what to do where that is known."""
    if isinstance(error, (SpoolqError, UsageError)) and not isinstance(error, StorageError):
        return str(error) or type(error).__name__
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return reason if error.filename is None else f"{os.fsdecode(error.filename)}: {reason}"
    if isinstance(error, MemoryError):
        return "out of memory"
    what = f"{type(error).__name__}: {error}"
    return f"internal error: {what} (SPOOLQ_DEBUG=1 shows where; please report it)"


def _flush_or_drop_output() -> None:
    """Hand over what was printed before; if that fails, Python's own attempt at exit must not."""
    try:
        output.flush()
    except OSError:
        _drop_output()


def _drop_output() -> None:
    if sys.stdout is not None:
        output.drop(sys.stdout)


def _show_traceback(error: BaseException) -> None:
    import traceback

    output.to_stderr("".join(traceback.format_exception(error)))
