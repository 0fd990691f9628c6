"""The doctor: looks at everything in a spool, changes nothing, and explains each finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spoolq.disk import clock as clocks
from spoolq.disk import mounts
from spoolq.disk.room import room_of
from spoolq.rules import layout, names
from spoolq.rules.fitness import CLOCK_TOLERANCE_SECONDS
from spoolq.upkeep.belongings import orphans
from spoolq.upkeep.leases import lease_findings
from spoolq.verbs import opening
from spoolq.verbs.locate import job_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.disk.filesystem import Entry
    from spoolq.verbs.context import OpenSpool


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: where (relative to the spool), what, and so what."""

    path: str
    what: str
    advice: str
    remedy: str = ""
    """What `mending` can do about it: "directory", "mode", "foreign", "reap", "sweep", "key",
    "double" or ""."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What the doctor saw: facts that are no findings, and findings."""

    facts: dict[str, str]
    findings: list[Finding]


def examine(path: str) -> Examination:
    """Look at the spool at an absolute path, as far as its damage allows.

    Raises:
        SpoolNotFound, SpoolDamaged: there is nothing to look at: no settings to go by.
        OSError: the file system refused to be looked at.
    """
    spool = opening.open_untrusted(path)
    findings = list(_directories(spool))
    present = {d for d in layout.DIRECTORIES if _kind(spool, d) == "directory"}
    if present >= {layout.TMP, *layout.STATES}:
        for directory in sorted(present - {layout.SYS, layout.LOGS}):
            findings += _foreign(spool, directory)
        findings += [Finding(*told) for told in _doubles(spool)]
        findings += [Finding(*told) for told in lease_findings(spool)]
        findings += [Finding(*told) for told in orphans(spool, present)]
    facts = _facts(spool, findings)
    return Examination(facts, findings)


def _kind(spool: OpenSpool, name: str) -> str | None:
    entry = spool.fs.lstat(name)
    return entry.kind if entry else None


def _directories(spool: OpenSpool) -> Iterator[Finding]:
    wanted = 0o2770 if spool.settings.group else 0o700
    for directory in (".", *layout.DIRECTORIES):
        entry = spool.fs.lstat(directory)
        if entry is None:
            yield Finding(
                directory, "missing", "make it again: mkdir, with the others' mode", "directory"
            )
        elif entry.kind != "directory":
            yield Finding(directory, f"a {entry.kind}, not a directory", "move it out of the way")
        elif entry.mode & 0o002 and not spool.settings.allow_others:
            yield Finding(directory, "everybody may write here", f"chmod {wanted:o}", "mode")
        elif entry.mode != wanted:
            yield Finding(
                directory, f"mode {entry.mode:o}, not {wanted:o}", f"chmod {wanted:o}", "mode"
            )


def _foreign(spool: OpenSpool, directory: str) -> Iterator[Finding]:
    for name in sorted(spool.fs.iterate(directory)):
        path = f"{directory}/{name}"
        entry = spool.fs.lstat(path)
        if entry is None:
            continue  # it moved on while we looked
        if not is_ours(directory, name):
            # NFS: .nfsXXXX is a file that was removed while open; it goes by itself.
            remedy = "" if name.startswith(".nfs") else "foreign"
            advice = "ignored by spoolq; remove it if nobody needs it"
            yield Finding(path, "not spoolq's", advice, remedy)
        elif directory == layout.KEYS or (directory == layout.TMP and name.endswith(".key")):
            if entry.kind != "directory":
                yield Finding(
                    path, f"a {entry.kind} in place of a key", "blocks this key", "foreign"
                )
        elif entry.kind == "directory" and directory == layout.TMP and name.endswith(".probe"):
            continue  # a probe is at work, or the sweep will come for what a killed one left
        elif entry.kind != "file":
            yield Finding(
                path, f"a {entry.kind} named like a job", "ignored; move it away", "foreign"
            )
        else:
            yield from _file(spool, directory, path, entry)


def _file(spool: OpenSpool, directory: str, path: str, entry: Entry) -> Iterator[Finding]:
    wanted = 0o660 if spool.settings.group else 0o600
    if entry.links > 1 and directory in layout.STATES:
        advice = "left alone; --fix removes names that a power cut gave back, others are foreign"
        yield Finding(path, f"a file of {entry.links} names", advice, "double")
    elif entry.mode & 0o777 != wanted and directory != layout.LOCKS:
        yield Finding(path, f"mode {entry.mode:o}, not {wanted:o}", f"chmod {wanted:o}", "mode")
    is_task = job_of(directory, path.rpartition("/")[2]) if directory in layout.STATES else None
    if is_task and entry.size > spool.settings.max_task_bytes:
        yield Finding(
            path,
            f"{entry.size} bytes, over max_task_bytes",
            "its task can be read from job.path only",
        )


def is_ours(directory: str, name: str) -> bool:
    """Whether a name in one of the spool's directories is of spoolq's grammar."""
    if directory in layout.STATES:
        record = names.parse_ended(name) if directory in {layout.DONE, layout.FAILED} else None
        sidecar = names.parse_sidecar(name) if directory == layout.LEASED else None
        return bool(job_of(directory, name) or record or sidecar)
    if directory == layout.META:
        return names.is_job_id(name)
    if directory == layout.HISTORY:
        return names.parse_history(name) is not None
    if directory == layout.KEYS:
        return names.is_key(name)
    return not name.startswith(".") and name.isascii() and name.isprintable()


def _doubles(spool: OpenSpool) -> Iterator[tuple[str, str, str]]:
    """I1: a job has one name. A job that moves while we look is looked at again."""
    seen: dict[str, str] = {}
    for state in layout.STATES:
        for name in spool.fs.iterate(state):
            job_id = job_of(state, name)
            if job_id is None:
                continue
            path = f"{state}/{name}"
            other = seen.setdefault(job_id, path)
            if other != path and spool.fs.lstat(other) and spool.fs.lstat(path):
                yield path, f"the same job as {other}", "one job, two names: keep the newer"


def _facts(spool: OpenSpool, findings: list[Finding]) -> dict[str, str]:
    mount = mounts.mount_at(spool.fs.root)
    follows = "consumers poll, as events of other hosts are not seen"
    facts = {"file system": f"{mount.type}: {follows if mount.is_network else 'events'}"}
    if mount.type == "btrfs" and "notreelog" not in mount.options:
        facts["file system"] += "; a power cut may give jobs second names, which go by themselves"
    if mount.gives_up:
        findings.append(Finding(".", "on a soft NFS mount", "mount it hard, see 'doctor --probe'"))
    facts |= _room(spool, findings)
    try:
        ahead = clocks.host_ahead_seconds(spool.clock)
    except OSError as error:
        told = error.strerror or str(error)
        findings.append(Finding(layout.TMP, f"no file can be made: {told}", "nobody can publish"))
        return facts
    facts["clock"] = f"this host is {ahead:+.1f} s against the file server"
    if abs(ahead) > CLOCK_TOLERANCE_SECONDS:
        findings.append(
            Finding(
                ".",
                f"this host's clock is {ahead:+.1f} s off the file server's",
                "spoolq goes by the server's clock; mend NTP for everybody else",
            )
        )
    return facts


def _room(spool: OpenSpool, findings: list[Finding]) -> dict[str, str]:
    try:
        room = room_of(spool.fs.root)
    except OSError:
        return {}
    if room.is_scarce:
        findings.append(Finding(".", room.told, "spoolq prune removes done jobs; else make room"))
    told = f"{room.free_share:.0%} of the bytes and {room.free_inode_share:.0%} of the inodes free"
    return {"room": room.told if room.is_low else told}
