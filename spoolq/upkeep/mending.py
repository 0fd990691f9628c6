"""doctor --fix: repairs what can be repaired without guessing. Never deletes a task.

Foreign things are moved to `quarantine/<time>-<token>/`, under the path they had: nothing is lost, and
whoever misses something moves it back. What could be meant in more than one way is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.disk import identity
from spoolq.disk.atomic import make_directory
from spoolq.disk.modes import move_away, set_mode
from spoolq.errors import SpoolUntrusted
from spoolq.rules import layout, names
from spoolq.upkeep import doctor
from spoolq.verbs import doubles, keys, opening, sweep
from spoolq.verbs.locate import job_of, locate
from spoolq.verbs.reap import Reaper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.upkeep.doctor import Finding
    from spoolq.verbs.context import OpenSpool


def mend(path: str, findings: list[Finding]) -> Iterator[tuple[Finding, str | None]]:
    """Each finding, with what was done about it; None when it is left as it is.

    Raises:
        SpoolUntrusted: the spool is another user's.
        OSError: the file system refused altogether.
    """
    spool = opening.open_untrusted(path)
    root = spool.fs.lstat(".")
    if root is None or (
        not identity.may_trust_owner(root.uid, root.gid, group=spool.settings.group)
        and not identity.trusts_everything()
    ):
        raise SpoolUntrusted(path, "another user's: let its owner run doctor --fix")
    one = _Mending(spool)
    for finding in findings:
        yield finding, one.mend(finding)
    if one.made_directories:
        # What is in a spool could not be looked at while directories were missing.
        known = {finding.path for finding in findings}
        for finding in doctor.examine(path).findings:
            if finding.path not in known:
                yield finding, one.mend(finding)


class _Mending:
    """One run of repairs."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._quarantine: str | None = None
        self._has_reaped = self._has_swept = False
        self.made_directories = False

    def mend(self, finding: Finding) -> str | None:
        """Repair one finding; what was done, or None."""
        repairs = {
            "directory": self._make_directory,
            "mode": self._set_mode,
            "foreign": self._move_away,
            "reap": self._reap,
            "sweep": self._sweep,
            "key": self._let_key_go,
            "double": self._settle,
        }
        repair = repairs.get(finding.remedy)
        if repair is None:
            return None
        try:
            return repair(finding.path)
        except OSError as error:
            return _unless_gone(error)

    def _make_directory(self, path: str) -> str:
        make_directory(self._spool.fs, path)
        self.made_directories = True
        return "made"

    def _set_mode(self, path: str) -> str | None:
        entry = self._spool.fs.lstat(path)
        if entry is None or entry.kind not in {"file", "directory"}:
            return None
        if entry.kind == "file" and entry.links > 1:
            return None
        shared = self._spool.settings.group
        wanted = (
            (0o660 if shared else 0o600) if entry.kind == "file" else 0o2770 if shared else 0o700
        )
        set_mode(self._spool.fs.root, "" if path == "." else path, wanted)
        return f"chmod {wanted:o}"

    def _move_away(self, path: str) -> str | None:
        """Move a foreign thing to the quarantine. RACE: looked at again just before."""
        fs = self._spool.fs
        directory, _, name = path.rpartition("/")
        entry = fs.lstat(path)
        is_key = directory == layout.KEYS or (directory == layout.TMP and name.endswith(".key"))
        right = "directory" if is_key else "file"
        if entry is None or (entry.kind == right and doctor.is_ours(directory, name)):
            return None
        target = self._room_for(directory)
        move_away(fs.root, path, f"{target}/{name}")
        return f"moved to {target}/{name}"

    def _room_for(self, directory: str) -> str:
        fs = self._spool.fs
        if self._quarantine is None:
            make_directory(fs, layout.QUARANTINE)
            stamp = names.format_time(self._spool.clock.now())
            self._quarantine = f"{layout.QUARANTINE}/{stamp}-{self._spool.token()}"
            fs.mkdir(self._quarantine)
        made = self._quarantine
        for part in directory.split("/"):
            made = f"{made}/{part}"
            make_directory(fs, made)
        return made

    def _reap(self, path: str) -> str | None:
        if not self._has_reaped:
            self._has_reaped = True
            Reaper(self._spool).run_once()
        return "reaped" if self._spool.fs.lstat(path) is None else None

    def _sweep(self, path: str) -> str | None:
        if not self._has_swept:
            self._has_swept = True
            sweep.sweep_tmp(self._spool)
            sweep.sweep_records(self._spool)
        return "swept" if self._spool.fs.lstat(path) is None else None

    def _settle(self, path: str) -> str | None:
        state, _, name = path.rpartition("/")
        job_id = job_of(state, name)
        if job_id is not None:
            doubles.settle(self._spool, job_id)
        entry = self._spool.fs.lstat(path)
        if entry is None:
            return "removed, its job has a later name"
        return "the only name of its job now" if entry.links == 1 else None

    def _let_key_go(self, path: str) -> str | None:
        key = path.rpartition("/")[2]
        holder = keys.held_by(self._spool, key)
        if not holder or self._spool.fs.lstat(f"{layout.TMP}/{holder}") is not None:
            return None  # its publisher is at it, or died: the next publish of the key completes it
        if locate(self._spool, holder) is not None:
            return None
        keys.let_go(self._spool, key, holder)
        return "let go"


def _unless_gone(error: OSError) -> str | None:
    return "gone by itself" if isinstance(error, FileNotFoundError) else None
