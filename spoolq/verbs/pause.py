"""pause and resume: while sys/paused stands, nobody takes a job. Publishing goes on."""

from __future__ import annotations

from spoolq.rules import layout, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool


def pause(spool: OpenSpool, reason: str) -> None:
    """Stop the giving out of jobs on all hosts, for a reason that `status` shows.

    Pausing what is paused replaces the reason.
    """
    draft = f"{layout.TMP}/{spool.token()}.record"
    at = records.to_iso(spool.clock.now())
    values: dict[str, object] = {"reason": reason[:1000], "by": spool.owner, "at": at}
    spool.write_record(draft, values, sync=False)
    # The new file replaces the old one by rename: at no instant is the spool not paused.
    spool.fs.rename(draft, layout.PAUSED)


def resume(spool: OpenSpool) -> bool:
    """Let jobs be given out again; whether the spool was paused.

    Raises:
        OSError: the file system refused; the spool is still paused.
    """
    if not is_paused(spool):
        return False
    try:
        spool.fs.unlink(layout.PAUSED)
    except FileNotFoundError:
        if is_paused(spool):
            raise
    return True


def is_paused(spool: OpenSpool) -> bool:
    """Whether anything stands at sys/paused: even a file that cannot be read pauses."""
    # NFS: that it was not there is remembered for 30 s, unless the directory is opened.
    spool.fs.refresh(layout.SYS)
    return spool.fs.exists(layout.PAUSED)


def reason(spool: OpenSpool) -> str | None:
    """The reason given ("" when none or unreadable), None when the spool is not paused."""
    if not is_paused(spool):
        return None
    data = spool.read_record(layout.PAUSED)
    record = (records.load(data) if data is not None else None) or {}
    told = record.get("reason")
    return told if isinstance(told, str) else ""
