"""Unique keys: a key leads to the one job that holds it.

`sys/keys/<key>/` is a directory with one record named after the job's id. A prepared directory
is renamed into place, which succeeds only where none (or an empty one) stands: exclusive and
whole. Letting go removes `<key>/<id>`, a name that pins which job's hold is meant, then the
directory if it is empty: so a slow cleaner can never take away a newer job's key.
"""

from __future__ import annotations

import errno

from spoolq.disk.atomic import discard, make_directory, write_new
from spoolq.errors import SpoolDamaged
from spoolq.rules import layout, names, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

_TAKEN = frozenset((errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR))


def take(spool: OpenSpool, key: str, job_id: str, target: str) -> str | None:
    """Make `key` lead to `job_id`, whose file is to be renamed to `target`.

    Returns:
        None when the key is ours now, else the id of the job that holds it ("" when that is
        not to be seen: being let go just now).

    Raises:
        SpoolDamaged: something foreign stands in the key's place.
    """
    draft = f"{layout.TMP}/{spool.token()}.key"
    make_directory(spool.fs, draft)  # NFS: ours alone, so "exists" is a lost reply
    record = records.dump({"id": job_id, "key": key, "target": target})
    try:
        sync = spool.syncs_publish
        write_new(spool.fs, spool.clock, f"{draft}/{job_id}", record, sync=sync)
        if sync:
            spool.fs.sync_directory(draft)
        spool.fs.rename(draft, f"{layout.KEYS}/{key}")
    except OSError as error:
        _drop_draft(spool, draft, job_id)
        if error.errno not in _TAKEN and not isinstance(error, FileNotFoundError):
            raise
        # NFS: after a lost reply our own rename comes back as "not there"; the holder tells.
        holder = held_by(spool, key)
        if not holder:
            _refuse_foreign(spool, key)
        return None if holder == job_id else holder
    if spool.syncs_publish:
        spool.fs.sync_directory(layout.KEYS)
    return None


def _refuse_foreign(spool: OpenSpool, key: str) -> None:
    """Where no directory stands in a key's place, no try will ever take it."""
    entry = spool.fs.lstat(f"{layout.KEYS}/{key}")
    if entry is not None and entry.kind != "directory":
        raise blocked(spool, key, f"a {entry.kind} in place of a key")


def blocked(spool: OpenSpool, key: str, what: str) -> SpoolDamaged:
    """The error that tells of something foreign in the way of a key."""
    return SpoolDamaged(f"{spool.fs.root}/{layout.KEYS}/{key}", f"{what}; see 'spoolq doctor'")


def _drop_draft(spool: OpenSpool, draft: str, job_id: str) -> None:
    discard(spool.fs, f"{draft}/{job_id}")
    try:
        spool.fs.rmdir(draft)
    except OSError:
        pass  # the sweep takes it


def held_by(spool: OpenSpool, key: str) -> str:
    """The id of the job that holds the key, "" when none is to be seen."""
    try:
        found = [name for name in spool.fs.list(f"{layout.KEYS}/{key}") if names.is_job_id(name)]
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads to itself: foreign
            return ""
        raise
    return min(found, default="")


def target_of(spool: OpenSpool, key: str, job_id: str) -> str | None:
    """Where the holder's file is to be renamed to, None when the record does not say."""
    data = spool.read_record(f"{layout.KEYS}/{key}/{job_id}")
    record = records.load(data) if data is not None else None
    target = record.get("target") if record else None
    if not isinstance(target, str):
        return None
    state, _, name = target.partition("/")
    ready = names.parse_ready(name) if state == layout.READY else None
    delayed = names.parse_delayed(name) if state == layout.DELAYED else None
    parsed = ready or delayed
    return target if parsed is not None and parsed.id == job_id else None


def let_go(spool: OpenSpool, key: str, job_id: str) -> None:
    """Free the key if `job_id` holds it, or ("") nobody; harmless when it does not."""
    is_gone = bool(job_id) and discard(spool.fs, f"{layout.KEYS}/{key}/{job_id}")
    if is_gone or not held_by(spool, key):
        try:
            spool.fs.rmdir(f"{layout.KEYS}/{key}")
        except OSError:
            pass  # a newer job's key by now, or gone already
