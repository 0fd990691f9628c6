"""archive: pack jobs that are done for long into one compressed file a day, then remove them.

CRASH: the new file stands whole and synced in archive/ before the first job is removed, and what it
takes over from the day's older files is in it before these go. So a job is in done/ or in an
archive at every instant; a crash in between leaves it in both, which is no harm.
"""

from __future__ import annotations

import zipfile

from spoolq.disk.atomic import create_stamped, discard, make_directory
from spoolq.disk.filesystem import Foreign
from spoolq.later import log_named
from spoolq.rules import archives, layout, names, records
from spoolq.verbs import doubles, history, prune
from spoolq.verbs.archived import UNREADABLE, parts_of, reading
from spoolq.verbs.locate import job_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.archive")


def archive(spool: OpenSpool, older_than_seconds: float) -> tuple[int, list[str]]:
    """Pack the jobs that are done (or cancelled) for so long.

    Returns:
        How many jobs were archived, and the files that were written, relative to the spool.

    Raises:
        OSError: the file system refused; what was archived before stays so, all else is in done/.
    """
    ended_by = spool.clock.fresh_now() - older_than_seconds
    days = {
        archives.day_of(job_id)
        for name in spool.fs.iterate(layout.DONE)
        if (job_id := job_of(layout.DONE, name)) and _may_be_old(job_id, ended_by)
    }
    count, written = 0, []
    for day in sorted(days):
        packed, path = _Day(spool, day, ended_by).pack()
        if path is not None:
            count += packed
            written.append(path)
    return count, written


def _may_be_old(job_id: str, ended_by: float) -> bool:
    published = names.published_at(job_id)
    return published is not None and published <= ended_by


class _Day:
    """The jobs that were published on one day, on their way into its file."""

    def __init__(self, spool: OpenSpool, day: str, ended_by: float) -> None:
        self._spool = spool
        self._day = day
        self._ended_by = ended_by
        self._packed: list[str] = []
        self._histories: dict[str, list[str]] = {}
        self._logs: dict[str, list[str]] = {}

    def pack(self) -> tuple[int, str | None]:
        """Write the day's file and remove what is in it; the count of jobs, and the file."""
        found = sorted(self._candidates())
        if not found:
            return 0, None
        wanted = {job_id for job_id, _, _ in found}
        self._histories = self._by_job(layout.HISTORY, wanted)
        self._logs = self._by_job(layout.LOGS, wanted)
        older = parts_of(self._spool, self._day)
        path = self._write(found, older)
        if path is None:
            return 0, None
        for _ in prune.remove(self._spool, self._packed):
            pass
        return len(self._packed), path

    def _candidates(self) -> Iterator[tuple[str, str, float]]:
        """(id, name in done/, ended at) of what is to be packed."""
        for name in self._spool.fs.iterate(layout.DONE):
            job_id = job_of(layout.DONE, name)
            if job_id is None or archives.day_of(job_id) != self._day:
                continue
            entry = self._spool.fs.lstat(f"{layout.DONE}/{name}")
            if entry is not None and entry.kind == "file" and entry.changed_at <= self._ended_by:
                if entry.links > 1:
                    doubles.settle(self._spool, job_id)
                yield job_id, name, entry.changed_at

    def _by_job(self, directory: str, wanted: set[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self._spool.fs.iterate(directory):
            job_id = name.partition(".")[0]
            if job_id in wanted:
                found.setdefault(job_id, []).append(name)
        return found

    def _write(self, found: list[tuple[str, str, float]], older: list[str]) -> str | None:
        """The day's new file, in place; None when nothing could be packed."""
        spool = self._spool
        token = spool.token()
        draft = f"{layout.TMP}/{token}.archive"
        path = f"{layout.ARCHIVE}/{archives.file_name(self._day, token)}"
        sync = spool.syncs_publish
        try:
            taken_over = self._write_draft(draft, found, older, sync=sync)
            if not self._packed:
                discard(spool.fs, draft)
                return None
            make_directory(spool.fs, layout.ARCHIVE)
            spool.fs.rename(draft, path)
        except BaseException:
            discard(spool.fs, draft)
            raise
        if sync:
            spool.fs.sync_directory(layout.ARCHIVE)
            spool.fs.sync_directory("")
        for part in taken_over:
            discard(spool.fs, part)
        return path

    def _write_draft(
        self, draft: str, found: list[tuple[str, str, float]], older: list[str], *, sync: bool
    ) -> list[str]:
        """Write all of it; the older files that are in it, whole."""
        spool = self._spool
        handle = create_stamped(spool.fs, spool.clock, draft)
        try:
            target: Any = _Handle(spool, handle)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
                taken_over = [part for part in older if _copy(spool, part, made)]
                self._add(made, found)
            if sync:
                spool.fs.sync(handle)
        finally:
            spool.fs.close(handle)
        return taken_over

    def _add(self, made: zipfile.ZipFile, found: list[tuple[str, str, float]]) -> None:
        lines: list[bytes] = []
        ids: list[str] = []
        for job_id, name, ended_at in found:
            text = self._line(job_id, name, ended_at)
            if text is None:
                continue
            lines.append(text)
            ids.append(job_id)
            if len(lines) >= archives.MOST_JOBS or sum(map(len, lines)) >= archives.MOST_BYTES:
                self._close_member(made, ids, lines)
                lines, ids = [], []
        if lines:
            self._close_member(made, ids, lines)

    def _close_member(self, made: zipfile.ZipFile, ids: list[str], lines: list[bytes]) -> None:
        made.writestr(archives.member_name(ids[0], ids[-1], made.NameToInfo), b"".join(lines))
        self._packed += ids

    def _line(self, job_id: str, name: str, ended_at: float) -> bytes | None:
        """All of a job as one line; None for what cannot be read whole: that stays where it is."""
        spool = self._spool
        most = spool.settings.max_task_bytes
        outcome = "cancelled" if name.endswith(".cancelled") else "done"
        values: dict[str, Any] = {
            "id": job_id,
            "outcome": outcome,
            "ended_at": records.to_iso(ended_at),
        }
        try:
            archives.packed(values, "task", spool.fs.read(f"{layout.DONE}/{name}", most))
            archives.packed(values, "result", self._optional(f"{layout.DONE}/{job_id}.result"))
            end = spool.read_record(f"{layout.DONE}/{job_id}.end")
            options = spool.read_record(layout.meta(job_id)) if names.has_options(job_id) else None
            told = (("end", records.load(end or b"")), ("options", records.load(options or b"")))
            values.update({key: record for key, record in told if record})
            events = history.events_named(spool, job_id, self._histories.get(job_id, []))
            if events:
                values["history"] = events
            logs: dict[str, Any] = {}
            for log in sorted(self._logs.get(job_id, [])):
                archives.packed(logs, log, self._optional(f"{layout.LOGS}/{log}"))
            if logs:
                values["logs"] = logs
        except FileNotFoundError:
            return None  # pruned meanwhile
        except Foreign as error:
            _log.warning("job %s is not archived: %s: %s", job_id, error.name, error.reason)
            return None
        return archives.line(values)

    def _optional(self, path: str) -> bytes | None:
        try:
            return self._spool.fs.read(path, self._spool.settings.max_task_bytes)
        except FileNotFoundError:
            return None


class _Handle:
    """An open file of the seam, as a zip is written to: forwards only."""

    def __init__(self, spool: OpenSpool, handle: int) -> None:
        self._fs, self._handle = spool.fs, handle

    def write(self, data: bytes) -> int:
        """Write all of it."""
        self._fs.write(self._handle, data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _copy(spool: OpenSpool, part: str, made: zipfile.ZipFile) -> bool:
    """Take an older file of the day over, whole; one that cannot be read stays as it is."""
    try:
        with reading(spool, part) as old:
            for info in old.infolist():
                if not archives.is_member(info.filename):
                    return False
                if info.file_size > archives.MOST_MEMBER_BYTES:
                    return False
            # A damaged member must be met before anything of this file is written.
            if old.testzip() is not None:
                return False
            for info in old.infolist():
                first, last = archives.bounds(info.filename)
                name = archives.member_name(first, last, made.NameToInfo)
                made.writestr(name, old.read(info))
    except FileNotFoundError:
        return False  # somebody else archives this day too
    except (Foreign, *UNREADABLE) as error:
        _log.warning("%s stays as it is: %s", part, error)
        return False
    return True
