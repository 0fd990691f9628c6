"""Command tasks: the JSON that `submit` publishes and `work --commands` runs. No I/O.

    {"argv": ["convert", "a.tif"], "cwd": "/data", "env": {"LANG": "C"}, "timeout_seconds": 60.0}

Only `argv` must be there; unknown keys are passed over. Bytes that are no UTF-8 travel as lone
surrogates, as Python's file-system encoding has them.
"""

from __future__ import annotations

import json

from spoolq.errors import InvalidTask
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


_NO_VARIABLES: Mapping[str, str] = {}


class CommandTask(NamedTuple):
    """A command to run.

    Attributes:
        argv: program and arguments, at least one; no shell.
        cwd: an absolute directory, or None for the worker's own.
        env: added to the worker's environment.
        timeout_seconds: its time limit; None for the worker's.
    """

    argv: Sequence[str]
    cwd: str | None = None
    env: Mapping[str, str] = _NO_VARIABLES
    timeout_seconds: float | None = None


def dump_command(command: CommandTask) -> bytes:
    """The task's bytes.

    Raises:
        InvalidTask: what `load_command` would not take.
    """
    values: dict[str, Any] = {"argv": list(command.argv)}
    if command.cwd is not None:
        values["cwd"] = command.cwd
    if command.env:
        values["env"] = dict(command.env)
    if command.timeout_seconds is not None:
        values["timeout_seconds"] = command.timeout_seconds
    task = (json.dumps(values) + "\n").encode()
    load_command(task)
    return task


def load_command(task: bytes) -> CommandTask:
    """The command that a task asks for.

    Raises:
        InvalidTask: it asks for none, or for one that cannot be.
    """
    try:
        found = json.loads(task)
    except (ValueError, RecursionError):
        raise _no_command("it is not JSON") from None
    if not isinstance(found, dict):
        raise _no_command("it is not a JSON object")
    env = {} if found.get("env") is None else found["env"]
    if not isinstance(env, dict) or not all(_is_name(k) and _is_text(v) for k, v in env.items()):
        raise _no_command("env has to be an object of texts")
    return CommandTask(_argv(found), _cwd(found), env, _timeout(found))


def _argv(found: dict[str, Any]) -> list[str]:
    argv = found.get("argv")
    if not isinstance(argv, list) or not argv or not all(map(_is_text, argv)) or not argv[0]:
        raise _no_command("argv has to be a list of texts, the program first")
    return argv


def _cwd(found: dict[str, Any]) -> str | None:
    cwd = found.get("cwd")
    if cwd is not None and not (_is_text(cwd) and cwd.startswith("/")):
        raise _no_command("cwd has to be an absolute path")
    return cwd


def _timeout(found: dict[str, Any]) -> float | None:
    seconds = found.get("timeout_seconds")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise _no_command("timeout_seconds has to be a number")
    if not 0 < seconds < 1e9:
        raise _no_command("timeout_seconds has to be above 0")
    return float(seconds)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_name(value: object) -> bool:
    return _is_text(value) and value != "" and "=" not in str(value)


def _no_command(why: str) -> InvalidTask:
    return InvalidTask(f"not a command task: {why}")
