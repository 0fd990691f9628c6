"""cancel: no further run will come. retry: a failed job starts over."""

from __future__ import annotations

from spoolq.disk.atomic import move
from spoolq.rules import layout, names
from spoolq.verbs import claim, ends, finish, history
from spoolq.verbs.locate import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool
    from spoolq.verbs.locate import Place


def cancel(spool: OpenSpool, job_id: str) -> Place | None:
    """Rename a job that has not ended to done/<id>.cancelled, wherever it is.

    Returns:
        Where the job was found before: unchanged when it had ended, None when it is unknown.
    """
    while True:
        place = locate(spool, job_id)
        if place is None:
            return None
        if place.has_ended:
            ends.make_sure(spool, job_id, place)
            return place
        # RACE: the source name pins the state that was seen; if it has moved on, look again.
        by = names.LeasedName(job_id, place.attempts, spool.token())
        if finish.cancel_at(spool, place.path, by, place.attempts - bool(place.lease)):
            if place.lease is not None:
                release_sidecar_if_last(spool, place.lease)
            history.note(spool, job_id, "cancelled", was=place.state, attempt=place.attempts)
            return place


def retry(spool: OpenSpool, job_id: str) -> Place | None:
    """Rename a failed job to ready/<id>, its attempts at 0 again; its end joins the history.

    Returns:
        Where the job was found, None when it is unknown. Only a failed one was moved.
    """
    while True:
        place = locate(spool, job_id)
        if place is None or place.state != layout.FAILED:
            return place
        ends.end_record(spool, job_id, place)
        ends.drop_drafts(spool, job_id)
        if move(spool.fs, place.path, f"{layout.READY}/{job_id}"):
            if spool.syncs_endings:
                spool.fs.sync_directory(layout.READY)
                # CRASH: btrfs brings the old name back else, and of both the failed one counts.
                spool.fs.sync_directory(layout.FAILED)
            keep_end_as_history(spool, job_id)
            history.note(spool, job_id, "retried")
            return place


def keep_end_as_history(spool: OpenSpool, job_id: str) -> None:
    """The record of a failure that is not the end any more becomes an event of the history."""
    try:
        target = history.event_name(spool, job_id, spool.clock.now())
        spool.fs.rename(f"{layout.FAILED}/{job_id}.end", target)
    except OSError:
        pass  # there was none, or the sweep takes it


def release_sidecar_if_last(spool: OpenSpool, lease: str) -> None:
    """After a task left a lease that another process granted: drop the sidecar with its last task."""
    suffix = "." + lease
    if not any(name.endswith(suffix) for name in spool.fs.iterate(layout.LEASED)):
        claim.drop_sidecar(spool, lease)
