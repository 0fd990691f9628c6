"""Another user of a group spool who swaps things between two system calls of somebody's command.

`python -m support.intruder` runs commands of spoolq as one user, each in a fork of its own; right
before its n-th system call on the spool another user attacks the path that it is about. Python's audit
hooks tell of each call right before it is made, whichever module makes it. (Not of stat and
access: to look at something, wherever it leads, changes and tells nothing.)
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pkgutil
import signal
import stat
import sys
import traceback
from contextlib import suppress
from typing import Any

import spoolq as spoolq_package
from spoolq.cli.main import main as spoolq

SECRET = b"what only its owner may read"
EVENTS = {
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime", "os.link",
    "os.scandir", "os.listdir", "os.truncate", "os.chown",
}  # fmt: skip


def swap_for_link(path: str, secrets: str) -> None:
    """The thing itself becomes a symbolic link to something of the same kind that is private."""
    is_directory = _move_away(path)
    os.symlink(f"{secrets}/directory" if is_directory else f"{secrets}/file", path)


def swap_for_directory_link(path: str, secrets: str) -> None:
    """It becomes a link to a private directory."""
    _move_away(path)
    os.symlink(f"{secrets}/directory", path)


def swap_for_pipe(path: str, _secrets: str) -> None:
    """It becomes a pipe that nobody writes to."""
    _move_away(path)
    os.mkfifo(path)


def swap_parent(path: str, secrets: str) -> None:
    """The directory that it is in becomes a link to a private one."""
    swap_for_directory_link(os.path.dirname(path), secrets)


def plant_another_name(path: str, _secrets: str) -> None:
    """It gets another name elsewhere, by which the intruder keeps what becomes of it."""
    os.link(path, f"{path.partition('/spool/')[0]}/loot/{os.getpid()}")


ATTACKS = {
    "link": swap_for_link,
    "directory link": swap_for_directory_link,
    "pipe": swap_for_pipe,
    "parent": swap_parent,
    "another name": plant_another_name,
}


def _move_away(path: str) -> bool:
    """Make room; whether a directory was there."""
    try:
        is_directory = stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
    os.rename(path, f"{path.partition('/spool/')[0]}/loot/away-{os.getpid()}")
    return is_directory


def attempt(plan: dict[str, Any], home: str, at: int, attack: str) -> int:
    """Run the command in this process, attacked right before its system call number `at`."""
    root, secrets = f"{home}/spool", f"{home}/secrets"
    uid, other, group = plan["uid"], plan["other"], plan["group"]
    seen = 0
    is_at_it = False

    def hook(event: str, given: tuple[object, ...]) -> None:
        nonlocal seen, is_at_it
        if is_at_it or event not in EVENTS:
            return
        for path in given[:2]:
            if isinstance(path, str) and path.startswith(f"{root}/"):
                seen += 1
                if seen == at:
                    is_at_it = True
                    os.seteuid(0)
                    os.seteuid(other)
                    with suppress(OSError):
                        ATTACKS[attack](path, secrets)
                    os.seteuid(0)
                    os.seteuid(uid)

    os.setgroups([group])
    os.setresgid(group, group, group)
    os.setresuid(uid, uid, 0)
    os.umask(0)
    signal.alarm(60)  # nothing may hang
    sys.addaudithook(hook)
    try:
        return spoolq(["-s", root, *plan["words"]])
    finally:
        is_at_it = True
        sys.stdout.flush()
        os.write(2, f"\n{seen}".encode())


def forked(plan: dict[str, Any], home: str, at: int, attack: str) -> dict[str, Any]:
    """One attempt in a process of its own: status, output, errors, and the calls seen."""
    files = [open(f"{home}/{name}", "wb+") for name in ("in", "out", "err")]  # noqa: SIM115
    files[0].write(b"new")
    files[0].seek(0)
    child = os.fork()
    if child == 0:
        status = 70
        try:
            for number, file in enumerate(files):
                os.dup2(file.fileno(), number)
            sys.stdin = open(0, closefd=False)  # noqa: SIM115
            status = attempt(plan, home, at, attack)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    told = []
    for file in files:
        file.seek(0)
        told.append(file.read().decode("latin-1"))
        file.close()
        os.unlink(file.name)
    err, _, calls = told[2].rpartition("\n")
    return {"status": os.waitstatus_to_exitcode(ended), "out": told[1], "err": err, "calls": calls}


def main() -> None:
    """Make the attempts that standard input tells, a line of JSON each; answer each with one."""
    for found in pkgutil.walk_packages(spoolq_package.__path__, "spoolq."):
        if not found.name.endswith("__main__"):
            try:
                importlib.import_module(found.name)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] not in {
                    "prometheus_client",
                    "rich",
                    "textual",
                }:
                    raise  # those are extras, which need not be here
    answers, asked = sys.stdout, sys.stdin
    for line in asked:
        plan = json.loads(line)
        if "warm_up" in plan:  # what is imported on the way, the user may not be able to read
            sys.stdin = io.TextIOWrapper(io.BytesIO(b"new"))
            sys.stdout = io.TextIOWrapper(io.BytesIO())
            spoolq(["-s", plan["warm_up"], *plan["words"]])
            sys.stdout = answers
        told = forked(plan, plan["home"], plan["at"], plan["attack"])
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
