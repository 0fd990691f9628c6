"""Workers in sys/workers/: the records by which they are seen, and the files that stop them.

`<worker>.<n>` is a worker's record, n growing with each heartbeat: a record replaced under one name
may be read stale on NFS. `stop.<worker>` asks that worker to stop.
"""

from __future__ import annotations

from spoolq.disk.atomic import discard
from spoolq.rules import layout, names, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

KEPT_SECONDS = 600.0
"""Longer than any heartbeat takes: a record that young may be a living worker's."""


def tell(spool: OpenSpool, worker: str, number: int, values: dict[str, object]) -> None:
    """Write a worker's record number `number` (1 first), and remove the one before it.

    Raises:
        OSError: the file system refused; the record before stays.
    """
    _place(spool, values, f"{layout.WORKERS}/{names.WorkerName(worker, number)}")
    if number > 1:
        discard(spool.fs, f"{layout.WORKERS}/{names.WorkerName(worker, number - 1)}")


def leave(spool: OpenSpool, worker: str, number: int) -> None:
    """The worker ends: its record goes, and a file that asked it to stop."""
    discard(spool.fs, f"{layout.WORKERS}/{names.WorkerName(worker, number)}")
    discard(spool.fs, f"{layout.WORKERS}/{names.stop_name(worker)}")


def ask_to_stop(spool: OpenSpool, worker: str, *, now: bool) -> None:
    """Leave a file for a worker: take no more jobs, and with `now` stop those that run.

    Raises:
        OSError: the file system refused.
    """
    values: dict[str, object] = {
        "now": now,
        "at": records.to_iso(spool.clock.now()),
        "by": spool.owner,
    }
    _place(spool, values, f"{layout.WORKERS}/{names.stop_name(worker)}")


def stop_asked(spool: OpenSpool, worker: str) -> bool | None:
    """Whether a worker was asked to stop: None for no, False for drain, True for at once."""
    name = names.stop_name(worker)
    # NFS: an absent name is remembered for 30 s, a listing is asked anew.
    if name not in spool.fs.list(layout.WORKERS):
        return None
    data = spool.read_record(f"{layout.WORKERS}/{name}")
    record = records.load(data) if data is not None else None
    return bool(record and record.get("now") is True)


def sweep_workers(spool: OpenSpool) -> int:
    """Remove what workers left that died long ago; how many files."""
    swept = 0
    kept_seconds = max(KEPT_SECONDS, spool.settings.sweep_seconds)
    oldest_kept = spool.surely_past() - kept_seconds
    for name in spool.fs.list(layout.WORKERS):
        if names.parse_worker(name) is None and names.parse_stop(name) is None:
            continue
        entry = spool.fs.lstat(f"{layout.WORKERS}/{name}")
        if entry is not None and entry.kind == "file" and entry.modified_at <= oldest_kept:
            swept += discard(spool.fs, f"{layout.WORKERS}/{name}")
    return swept


def _place(spool: OpenSpool, values: dict[str, object], path: str) -> None:
    """Whole under its name, or not at all."""
    draft = f"{layout.TMP}/{spool.token()}.record"
    spool.write_record(draft, values, sync=False)
    try:
        spool.fs.rename(draft, path)
    except BaseException:
        discard(spool.fs, draft)
        raise
