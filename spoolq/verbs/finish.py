"""The ways a leased task leaves leased/: done, failed, back to ready/ or into delayed/.

Each is one rename whose source name holds the lease, so a holder whose lease was taken over
changes nothing (I5). Records are written before, and placed after, by the winner.
"""

from __future__ import annotations

from binascii import crc32

from spoolq.disk.atomic import discard, is_listed, move, was_moved, write_new
from spoolq.later import log_named
from spoolq.rules import layout, names, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.rules.names import LeasedName
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.finish")
_LEASED, _DONE = layout.LEASED + "/", layout.DONE + "/"


def done_plainly(spool: OpenSpool, name: str, job_id: str, *, sync: bool) -> bool:
    """Rename a task at its first attempt from its name in leased/ to done/. Returns as `done`.

    Without `sync` the caller syncs done/, where endings are synced, before it tells anybody.
    """
    fs, target = spool.fs, _DONE + job_id
    try:
        fs.rename(_LEASED + name, target)  # as `move` does, without a call more
    except FileNotFoundError:
        if not was_moved(fs, target):
            return False
    if sync:
        fs.sync_directory(layout.DONE)  # CRASH: I4
    return True


def done(spool: OpenSpool, held: LeasedName, facts: dict[str, Any], result: bytes | None) -> bool:
    """Rename the task to done/, with a record, and with its result if there is one.

    A second attempt always leaves a record, so that one which a dead holder of an earlier attempt
    left in sys/tmp/ can never be taken for this one's.

    Returns:
        False when the task is not under this lease any more; nothing changed then.
    """
    source = f"{layout.LEASED}/{held}"
    return _end(spool, source, layout.DONE, held.id, "done", held, facts, result)


def give_up(spool: OpenSpool, held: LeasedName, facts: dict[str, Any]) -> bool:
    """Rename the task to failed/, with a record of why. Returns as `done`."""
    source = f"{layout.LEASED}/{held}"
    return _end(spool, source, layout.FAILED, held.id, "failed", held, facts, None)


def give_up_for(spool: OpenSpool, held: LeasedName, facts: dict[str, Any]) -> bool:
    """As `give_up`, by a reaper, when the holder's time is over. `facts` name lease and owner."""
    # Its record is told from one that the holder may have left by the name of who wrote it.
    by = names.LeasedName(held.id, held.attempt, spool.token())
    source = f"{layout.LEASED}/{held}"
    return _end(spool, source, layout.FAILED, held.id, "failed", by, facts, None)


def cancel_at(spool: OpenSpool, source: str, by: LeasedName, reschedules: int) -> bool:
    """Rename a task from where it was seen to done/<id>.cancelled. Returns as `done`.

    `by` bears the job's id, its attempt so far, and a name of the canceller's own.
    """
    facts = {"reschedules": reschedules}
    return _end(spool, source, layout.DONE, by.id, "cancelled", by, facts, None)


def put_back(spool: OpenSpool, held: LeasedName, attempts: int, due: float | None) -> bool:
    """Rename the task to ready/, or to delayed/ when it is due later. Returns as `done`.

    `attempts` is what counts from now on: the held attempt included (fail) or not (release).
    """
    if due is not None:
        target = f"{layout.DELAYED}/{names.DelayedName(due, held.id, attempts)}"
    else:
        target = f"{layout.READY}/{names.ReadyName(held.id, attempts)}"
    return move(spool.fs, f"{layout.LEASED}/{held}", target)


def _end(  # noqa: PLR0917
    spool: OpenSpool,
    source: str,
    state: str,
    job_id: str,
    outcome: str,
    by: LeasedName,
    facts: dict[str, Any],
    result: bytes | None,
) -> bool:
    sync = spool.syncs_endings
    drafts = _write_drafts(spool, outcome, by, facts, result, sync=sync)
    try:
        won = _end_is_ours(spool, source, f"{state}/{ended_name(job_id, outcome)}", by)
    except OSError:
        _drop_unless_moved(spool, source, drafts)
        raise
    if not won:
        _drop(spool, drafts)
        return False
    are_placed = place_records(spool, state, drafts)
    if sync:
        if not are_placed:
            # CRASH: I4. The drafts' bytes are synced, and from here on so are their names.
            spool.fs.sync_directory(layout.TMP)
        # CRASH: I4. One directory sync covers the task's new name and its records'.
        spool.fs.sync_directory(state)
    return True


def _drop(spool: OpenSpool, drafts: list[names.DraftName]) -> None:
    for draft in drafts:
        discard(spool.fs, f"{layout.TMP}/{draft}")


def _drop_unless_moved(spool: OpenSpool, source: str, drafts: list[names.DraftName]) -> None:
    """After an error of the deciding rename: a task still listed at its source did not move.

    Else nobody knows, and the drafts stay: a reader or the sweep settles them.
    """
    try:
        if drafts and is_listed(spool.fs, source):
            _drop(spool, drafts)
    except OSError:
        pass


def _end_is_ours(spool: OpenSpool, source: str, target: str, by: LeasedName) -> bool:
    """Rename the task to its end; False when it was not there, and was not moved by us before."""
    try:
        spool.fs.rename(source, target)
    except FileNotFoundError:
        ended = spool.fs.is_network and is_listed(spool.fs, target)
        return ended and not _is_anothers_end(spool, target.partition("/")[0], by)
    return True


def _is_anothers_end(spool: OpenSpool, state: str, by: LeasedName) -> bool:
    """Whether an end that may be ours, its reply lost, is another holder's.

    NFS: this target is not its maker's alone, so a late holder finds the winner's there. But who
    ends a later attempt leaves a draft before the end and a record after it: looked for in this
    order, as a draft becomes the record.
    """
    drafts = map(names.parse_draft, spool.fs.list(layout.TMP))
    if any(draft.id == by.id and draft.attempt > by.attempt for draft in drafts if draft):
        return True
    spool.fs.refresh(state)
    data = spool.read_record(f"{state}/{by.id}.end")
    record = records.load(data) if data is not None else None
    return record is not None and record.get("lease", by.lease) != by.lease


def ended_name(job_id: str, outcome: str) -> str:
    """The name of an ended job's task: the outcome is in it."""
    return f"{job_id}.cancelled" if outcome == "cancelled" else job_id


def _write_drafts(
    spool: OpenSpool,
    outcome: str,
    by: LeasedName,
    facts: dict[str, Any],
    result: bytes | None,
    *,
    sync: bool,
) -> list[names.DraftName]:
    """Write the records of an end under names that never were."""
    drafts: list[names.DraftName] = []
    # RACE: several may try to end one lease's task, and one may try again after an error: each
    # try has names of its own, so that nobody's half-written draft is in the way, or placed.
    token = spool.token()
    try:
        if result is not None:
            draft = names.DraftName(by.id, by.attempt, token, "result")
            write_new(spool.fs, spool.clock, f"{layout.TMP}/{draft}", result, sync=sync)
            drafts.append(draft)
        draft = names.DraftName(by.id, by.attempt, token, "end")
        values = {**facts, **_result_facts(result)} if outcome == "done" else facts
        record = records.dump(_end_values(spool, outcome, by, values))
        write_new(spool.fs, spool.clock, f"{layout.TMP}/{draft}", record, sync=sync)
        drafts.append(draft)
    except BaseException:
        _drop(spool, drafts)
        raise
    return drafts


def _result_facts(result: bytes | None) -> dict[str, Any]:
    """What tells whether a result is whole, and this end's: its size, and its sum if there is one."""
    if result is None:
        return {"result_bytes": None}
    return {"result_bytes": len(result), "result_crc32": crc32(result)}


def _end_values(
    spool: OpenSpool, outcome: str, by: LeasedName, facts: dict[str, Any]
) -> dict[str, Any]:
    values = {
        "id": by.id,
        "outcome": outcome,
        "attempt": by.attempt,
        "owner": spool.owner,
        "lease": by.lease,
        "ended_at": records.to_iso(spool.clock.now()),
        **facts,
    }
    reason = values.get("reason")
    if isinstance(reason, str):
        values["reason"] = shortened(reason)
    return values


def reason_of(error: BaseException) -> str:
    """The reason of a failure by an exception: `ValueError: no such page`."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shortened(text: str, most: int = 8000) -> str:
    """A reason that fits into a record with room to spare, the middle cut."""
    if len(text) <= most:
        return text
    kept = most // 2 - 40  # room for the note: what was cut passes here again, and is not cut anew
    return f"{text[:kept]}\n[... {len(text) - 2 * kept} characters cut ...]\n{text[-kept:]}"


def place_records(spool: OpenSpool, state: str, drafts: list[names.DraftName]) -> bool:
    """Give an ended job's drafts their final names; a reader may have done so already.

    Returns:
        False when the file system refused one: it is in sys/tmp/ still.

    CRASH: the end record goes last, for where it stands nobody looks for a result any more.
    """
    for draft in sorted(drafts, key=lambda draft: draft.kind == "end"):
        path = f"{layout.TMP}/{draft}"
        try:
            spool.fs.rename(path, f"{state}/{draft.id}.{draft.kind}")
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not spool.fs.exists(path):
                continue
            # The job has ended, whatever becomes of its record; a reader or the sweep tries again.
            _log.warning("record of job %s is not in place yet: %s", draft.id, error)
            return False
    return True
