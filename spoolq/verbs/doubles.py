"""doubles: names that a power cut gave back to jobs that had moved on; all but the latest go.

No move makes a second name, so one with the same inode proves that a file system (btrfs, by its
log replay) brought it back. A file with several names is never given out before it is settled.
"""

from __future__ import annotations

from spoolq.disk.atomic import discard, move
from spoolq.later import log_named
from spoolq.rules import layout, names
from spoolq.rules.doubles import progress
from spoolq.shapes import NamedTuple
from spoolq.verbs import terms
from spoolq.verbs.locate import Place, job_of, place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.doubles")
ASIDE_SECONDS = 60.0


class _Name(NamedTuple):
    place: Place
    inode: int
    links: int


def settle(spool: OpenSpool, job_id: str) -> int:
    """Take all names from a job's file but the latest; how many went.

    Names outside the spool are not looked for, and files that are not the same stay as they are.

    Raises:
        OSError: the file system refused; the job has at least one name.
    """
    found = list(_names_of(spool, job_id))
    gone = 0
    for inode in {name.inode for name in found if name.links > 1}:
        same = [name for name in found if name.inode == inode]
        latest = max(same, key=lambda name: _rank(spool, name))
        for name in same:
            if name is not latest and name.place.state != layout.DONE:
                gone += _take_away(spool, name, job_id)
        if latest.links > len(same):
            gone += drop_drafts(spool, inode, ".task", job_id)
    return gone


def later_place(spool: OpenSpool, job_id: str, seen: Place, inode: int) -> Place:
    """Where a job is of whose file, which has several names, one was seen."""
    others = [name.place for name in _names_of(spool, job_id) if name.inode == inode]
    return max([seen, *others], key=lambda place: progress(place.state, place.attempts))


def _rank(spool: OpenSpool, name: _Name) -> tuple[tuple[int, int, int], float, str]:
    place, granted_at = name.place, 0.0
    if place.lease is not None:  # of a lease and its renewal the renewal counts
        record = terms.read_lease(spool, place.lease, spool.clock.now())
        granted_at = record.granted_at if record else 0.0
    return progress(place.state, place.attempts), granted_at, place.name


def _names_of(spool: OpenSpool, job_id: str) -> Iterator[_Name]:
    yield from _ended_or_new(spool, job_id)
    for state in (layout.LEASED, layout.DELAYED):
        yield from _listed(spool, state, job_id)
    yield from (n for n in _listed(spool, layout.READY, job_id) if n.place.name != job_id)


def _ended_or_new(spool: OpenSpool, job_id: str) -> Iterator[_Name]:
    exact = ((layout.READY, job_id), (layout.FAILED, job_id), (layout.DONE, job_id))
    for state, name in (*exact, (layout.DONE, f"{job_id}.cancelled")):
        spool.fs.refresh(state)
        yield from _looked_at(spool, Place(state, name))


def _listed(spool: OpenSpool, state: str, job_id: str) -> Iterator[_Name]:
    for name in spool.fs.iterate(state):
        if job_id in name and job_of(state, name) == job_id:
            place = place_of(state, name)
            if place is not None:
                yield from _looked_at(spool, place)


def _looked_at(spool: OpenSpool, place: Place) -> Iterator[_Name]:
    entry = spool.fs.lstat(place.path)
    if entry is not None and entry.kind == "file":
        yield _Name(place, entry.inode, entry.links)


def _take_away(spool: OpenSpool, name: _Name, job_id: str) -> bool:
    """Remove one name of a file, and never the last one.

    RACE: I3. Others may settle the same job at this moment, and its holder may move it. So the name
    is first put where nobody touches it for a while, and where it counts as a job if we die; only
    if the file has another name then is it removed. Of two who remove each other's name both see so.
    """
    place = name.place
    due = spool.clock.now() + ASIDE_SECONDS
    aside = f"{layout.DELAYED}/{names.DelayedName(due, job_id, place.attempts)}"
    if not move(spool.fs, place.path, aside):
        return False
    others = _names_of(spool, job_id)
    if not any(n.inode == name.inode and n.place.path != aside for n in others):
        move(spool.fs, aside, place.path)
        return False
    if not discard(spool.fs, aside):
        return False
    _log.warning("%s: a second name after a power cut, removed", place.path)
    if spool.syncs_publish:
        # CRASH: I4. Else the next cut could bring it back when the latest name has been pruned.
        spool.fs.sync_directory(place.state)
        spool.fs.sync_directory(layout.DELAYED)
    return True


def drop_drafts(spool: OpenSpool, inode: int, *endings: str) -> int:
    """Remove the names in sys/tmp/, by their endings, of a file that has come to its place."""
    dropped = 0
    for name in spool.fs.list(layout.TMP):
        if name.endswith(endings):
            path = f"{layout.TMP}/{name}"
            entry = spool.fs.lstat(path)
            if entry is not None and entry.inode == inode and discard(spool.fs, path):
                dropped += 1
    return dropped
