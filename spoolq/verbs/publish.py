"""publish: write and sync in sys/tmp/, rename into ready/ or delayed/, sync the directory.

A job is visible whole or not at all (I6), and for good once its id is returned (I3).
"""

from __future__ import annotations

import errno
from itertools import repeat

from spoolq.disk.atomic import create_stamped, discard, move, was_moved, write_new
from spoolq.later import Later
from spoolq.rules import layout, names, records
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from spoolq.disk.filesystem import FileSystem
    from spoolq.rules.tasks import Options
    from spoolq.verbs import keys
    from spoolq.verbs import locate as locating
    from spoolq.verbs.context import OpenSpool
else:
    # Only a job with a unique key needs them, and who lost a reply.
    keys, locating = Later("spoolq.verbs.keys"), Later("spoolq.verbs.locate")

BATCH_OPEN_FILES = 128
SYNC_THREADS = 16
MOST_TRIES_FOR_A_KEY = 100
"""Each of which somebody else won, or something foreign that is in a key's directory."""


def publish(spool: OpenSpool, task: bytes, options: Options) -> str:
    """Store one task that has options and return its id.

    Raises:
        OSError: the file system refused; the task was not published, nothing is left behind.
    """
    if options.key is not None:
        return _publish_unique(spool, task, options, options.key)
    draft = _write(spool, task, options, options.need_record)
    try:
        _make_visible(spool, [draft])
    except BaseException:
        _take_back(spool, draft)
        raise
    return draft.id


def publish_plain(spool: OpenSpool, task: bytes, priority: int) -> str:
    """As `publish`, a task without options: the same moves, in as few steps as can be."""
    fs, clock = spool.fs, spool.clock
    sync = spool.syncs_publish
    path = f"{layout.TMP}/{spool.token()}.task"
    write_new(fs, clock, path, task, sync=sync)
    job_id = spool.new_id(priority, options=False, now=clock.now())
    target = f"{layout.READY}/{job_id}"
    try:
        try:
            fs.rename(path, target)
        except FileNotFoundError:
            if not was_moved(fs, target):
                _see_that_it_moved(spool, _Draft(job_id, path, target, layout.READY))
        if sync:
            fs.sync_directory(layout.READY)
    except BaseException:
        _take_back(spool, _Draft(job_id, path, target, layout.READY))
        raise
    return job_id


class _Draft(NamedTuple):
    """A task that is written but not visible yet."""

    id: str
    path: str
    target: str
    directory: str


def _write(spool: OpenSpool, task: bytes, options: Options, named: bool) -> _Draft:
    """Write one task whole; `named`: under its id, which a record refers to."""
    job_id = ""
    path = f"{layout.TMP}/{spool.token()}.task"
    if named:
        job_id = spool.new_id(options.priority, options=True, now=spool.clock.now())
        path = f"{layout.TMP}/{job_id}"
    write_new(spool.fs, spool.clock, path, task, sync=spool.syncs_publish)
    try:
        if options.need_record:
            _write_meta(spool, job_id, options)
    except BaseException:
        discard(spool.fs, path)
        raise
    return _draft(spool, path, job_id, options)


def _draft(spool: OpenSpool, path: str, job_id: str, options: Options) -> _Draft:
    now = spool.clock.now()
    job_id = job_id or spool.new_id(options.priority, options=False, now=now)
    if options.delay_seconds > 0:
        name = str(names.DelayedName(now + options.delay_seconds, job_id, 0))
        return _Draft(job_id, path, f"{layout.DELAYED}/{name}", layout.DELAYED)
    return _Draft(job_id, path, f"{layout.READY}/{job_id}", layout.READY)


def _write_meta(spool: OpenSpool, job_id: str, options: Options) -> None:
    meta = records.Meta(
        key=options.key,
        headers=dict(options.headers) if options.headers else None,
        lease_seconds=options.lease_seconds,
        max_attempts=options.max_attempts,
        by=spool.owner[:200],
    )
    sync = spool.syncs_publish
    # CRASH: nobody looks for the record before the task is visible, so it needs no draft of its own.
    write_new(spool.fs, spool.clock, layout.meta(job_id), records.dump_meta(meta), sync=sync)
    if sync:
        spool.fs.sync_directory(layout.META)


def _make_visible(spool: OpenSpool, drafts: Sequence[_Draft]) -> None:
    for draft in drafts:
        if not move(spool.fs, draft.path, draft.target):
            _see_that_it_moved(spool, draft)
    if spool.syncs_publish and drafts:
        spool.fs.sync_directory(drafts[0].directory)


def _see_that_it_moved(spool: OpenSpool, draft: _Draft) -> None:
    """After a rename that found no draft, and no task at its target.

    NFS: it may have been done, its reply lost, and somebody else have taken the job by now.
    """
    if not (spool.fs.is_network and locating.locate(spool, draft.id) is not None):
        raise _not_moved(spool, draft) from None


def _not_moved(spool: OpenSpool, draft: _Draft) -> FileNotFoundError:
    if spool.fs.lstat(draft.path) is None:
        reason, name = "the draft was swept before it was published", draft.path
    else:
        reason, name = "the directory is missing; see 'spoolq doctor'", draft.directory
    return FileNotFoundError(errno.ENOENT, reason, name)


def _take_back(spool: OpenSpool, draft: _Draft) -> None:
    """Undo a publish that is not acknowledged, unless somebody has taken the job already."""
    if discard(spool.fs, draft.path) or discard(spool.fs, draft.target):
        _drop_meta(spool, draft.id)


def _drop_meta(spool: OpenSpool, job_id: str) -> None:
    if names.has_options(job_id):
        discard(spool.fs, layout.meta(job_id))


def _publish_unique(spool: OpenSpool, task: bytes, options: Options, key: str) -> str:
    held = keys.held_by(spool, key)
    draft = None
    try:
        for _ in range(MOST_TRIES_FOR_A_KEY):
            known = _holder(spool, key, held) if held else None
            if known is not None:
                if spool.syncs_publish:
                    # CRASH: I3. Nor may its publisher have come to this sync, as in _holder.
                    spool.fs.sync_directory(layout.KEYS)
                return known
            draft = draft or _write(spool, task, options, named=True)
            taken_by = keys.take(spool, key, draft.id, draft.target)
            if taken_by is None:
                break
            held = taken_by
        else:
            raise keys.blocked(spool, key, "no job's record, and never free")
        mine, draft = draft, None
        return _publish_holder(spool, key, mine)
    finally:
        if draft is not None:
            discard(spool.fs, draft.path)
            _drop_meta(spool, draft.id)


def _publish_holder(spool: OpenSpool, key: str, draft: _Draft) -> str:
    """The key is ours; make the task visible, unless somebody did that for us meanwhile."""
    try:
        if (
            not move(spool.fs, draft.path, draft.target)
            and locating.locate(spool, draft.id) is None
        ):
            raise _not_moved(spool, draft)
        if spool.syncs_publish:
            spool.fs.sync_directory(draft.directory)
    except BaseException:
        # RACE: who saw our hold may be publishing this very draft. Only if the draft is still
        # there to be taken away is the job nobody's; else job and key stay as they are.
        if discard(spool.fs, draft.path):
            keys.let_go(spool, key, draft.id)
            _drop_meta(spool, draft.id)
        raise
    return draft.id


def _holder(spool: OpenSpool, key: str, job_id: str) -> str | None:
    """The id of a key's holder, published now if its publisher died in between; None if it is gone."""
    target = keys.target_of(spool, key, job_id)
    if target is not None and move(spool.fs, f"{layout.TMP}/{job_id}", target):
        if spool.syncs_publish:
            spool.fs.sync_directory(target.partition("/")[0])
        return job_id
    place = locating.locate(spool, job_id)
    if place is not None:
        # CRASH: I3. Whoever published it may not have come to the sync yet, and never come to it.
        if spool.syncs_publish and not place.has_ended:
            spool.fs.sync_directory(place.state)
        return job_id
    # The job was pruned, or its publisher gave it up: nobody holds the key.
    keys.let_go(spool, key, job_id)
    return None


def publish_many(spool: OpenSpool, tasks: Sequence[bytes], options: Options) -> list[str]:
    """Store many tasks in order: all synced (overlapping) before the first becomes visible.

    Raises:
        OSError: the file system refused; what was not given out yet is taken back.
    """
    drafts: list[_Draft] = []
    try:
        for start in range(0, len(tasks), BATCH_OPEN_FILES):
            drafts += _write_batch(spool, tasks[start : start + BATCH_OPEN_FILES], options)
        _make_visible(spool, drafts)
    except BaseException:
        for draft in drafts:
            _take_back(spool, draft)
        raise
    return [draft.id for draft in drafts]


def _write_batch(spool: OpenSpool, tasks: Sequence[bytes], options: Options) -> list[_Draft]:
    if options.need_record or not spool.syncs_publish:
        drafts: list[_Draft] = []
        try:
            for task in tasks:
                drafts.append(_write(spool, task, options, options.need_record))  # noqa: PERF401
        except BaseException:
            for draft in drafts:
                _take_back(spool, draft)
            raise
        return drafts
    return _write_overlapping(spool, tasks, options)


def _write_overlapping(spool: OpenSpool, tasks: Sequence[bytes], options: Options) -> list[_Draft]:
    """Write first, then sync all files, so that one commit of the journal covers them."""
    open_files: list[tuple[int, str]] = []
    try:
        for task in tasks:
            path = f"{layout.TMP}/{spool.token()}.task"
            handle = create_stamped(spool.fs, spool.clock, path)
            open_files.append((handle, path))
            spool.fs.write(handle, task)
        _sync_all(spool.fs, [handle for handle, _ in open_files])
        _close_all(spool, open_files)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = layout.TMP  # which of the files it was, the system does not say
        for handle, path in open_files:
            _close_quietly(spool, handle)
            discard(spool.fs, path)
        raise
    return [_draft(spool, path, "", options) for _, path in open_files]


def _sync_all(fs: FileSystem, handles: Sequence[int]) -> None:
    """Sync every file. CRASH: I3. One failed sync fails the whole batch, before any is visible."""
    for handle in handles:
        fs.write_back(handle)
    # The blocks of all files are given out now, so the commit that the first syncs wait for has
    # them all; each later one flushes the disk once more, and threads share a flush.
    shares = [share for at in range(SYNC_THREADS) if (share := handles[at::SYNC_THREADS])]
    if len(shares) == 1:
        _sync_each(fs, shares[0])
    elif shares:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only batches need it

        with ThreadPoolExecutor(len(shares)) as pool:
            list(pool.map(_sync_each, repeat(fs), shares))


def _sync_each(fs: FileSystem, handles: Sequence[int]) -> None:
    for handle in handles:
        fs.sync(handle)


def _close_all(spool: OpenSpool, open_files: list[tuple[int, str]]) -> None:
    for position, (handle, path) in enumerate(open_files):
        open_files[position] = (-1, path)
        spool.fs.close(handle)


def _close_quietly(spool: OpenSpool, handle: int) -> None:
    if handle >= 0:
        try:
            spool.fs.close(handle)
        except OSError:
            pass  # the file is being given up anyway
