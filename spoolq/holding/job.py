"""A job in its holder's hands: the task, the lease behind it, and the ways to end it."""

from __future__ import annotations

import threading

from spoolq.disk.filesystem import Foreign
from spoolq.errors import InvalidTask, LeaseLost
from spoolq.holding.lease import HeldLease
from spoolq.holding.storage import tell, telling_storage_errors
from spoolq.holding.turns import one_at_a_time
from spoolq.later import log_named
from spoolq.rules import layout, leases, names, records, retries
from spoolq.rules.names import LeasedName
from spoolq.rules.settings import checked_seconds
from spoolq.rules.tasks import checked_result
from spoolq.verbs import cancel, ends, finish, history, locate, renew, terms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Any, Self

    from spoolq.holding.keepalive import KeepAlive, Keeper
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.job")
_RLock = type(threading.RLock())  # threading's is a function that looks for it each time
EAGER_BYTES = 1024 * 1024
"""Payloads up to this size are read when the job is taken, larger ones when `task` is asked for."""
_NOT_UNDER_IT = "the job was taken back, ended, or put under a newer lease; this does not count"


class Job:
    """A task taken on a lease; if not done when the lease ends, it is given out again.

    Use it as a context manager: renewed while inside, done at the end, failed (and raised) on an
    exception, released on KeyboardInterrupt and SystemExit. Methods may be called from any thread.

    Attributes:
        id: the id that `publish` returned.
        attempt: 1 for the first attempt; expired and failed attempts count, released ones do not.
        name: the file's name in leased/: `<id>.<attempt>.<lease>`; it changes with the lease.
    """

    _ended: str | None = None
    _found_lost = False
    _kept: KeepAlive | None = None

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        spool: OpenSpool,
        keeper: Keeper,
        name: str,
        job_id: str,
        attempt: int,
        lease: HeldLease | None,
        task: bytes | None,
        taken_at: float | None = None,
    ) -> None:
        self._spool = spool
        self._keeper = keeper
        self.name = name
        self.id = job_id
        self.attempt = attempt
        self._lease = lease
        self._taken_at = taken_at
        self._task = task
        self._lock = _RLock()

    @classmethod
    def of_name(
        cls,
        spool: OpenSpool,
        keeper: Keeper,
        held: LeasedName,
        lease: HeldLease | None = None,
    ) -> Self:
        """The job of a leased file: what else is known of it is read when it is asked for."""
        return cls(spool, keeper, str(held), held.id, held.attempt, lease, None)

    def __repr__(self) -> str:
        return f"<spoolq.Job {self.name}{' ' + self._ended if self._ended else ''}>"

    @property
    def path(self) -> str:
        """Absolute path of the payload as it lies in the spool now; it changes with the lease."""
        return f"{self._spool.fs.root}/{layout.LEASED}/{self.name}"

    @property
    def lease(self) -> str:
        """The lease's name: the fencing token. It changes with every renewal."""
        return self.name.rpartition(".")[2]

    @property
    def _held(self) -> LeasedName:
        return LeasedName(self.id, self.attempt, self.lease)

    @property
    def reschedules(self) -> int:
        """Attempts that counted before this one."""
        return self.attempt - 1

    @property
    def priority(self) -> int:
        """0 (first) to 9 (last)."""
        return names.priority_of(self.id)

    @property
    def headers(self) -> dict[str, str]:
        """The headers given to `publish`."""
        return dict(self._spool.meta(self.id).headers or {})

    @property
    def lease_seconds(self) -> float:
        """How long the current lease was granted for, in seconds."""
        if self._lease is not None:
            return self._lease.lease_seconds
        record = terms.read_lease(self._spool, self.lease, self._spool.clock.now())
        return record.lease_seconds if record else self._usual_seconds()

    @property
    def max_attempts(self) -> int:
        """Attempts after which the job gives up; 0: never."""
        own = self._spool.meta(self.id).max_attempts
        return self._spool.settings.max_attempts if own is None else own

    @property
    def trusted_until(self) -> float | None:
        """Until when the holder may count on the lease, on the local clock; None: not known."""
        return self._lease.trusted_until if self._lease is not None else None

    @property
    def deadline(self) -> datetime:
        """When the lease ends: aware UTC datetime of the file server's clock.

        Raises:
            LeaseLost: the lease was not granted to this process, and its sidecar is gone.
        """
        if self._lease is not None:
            return records.to_datetime(self._lease.deadline)
        now = self._spool.clock.now()
        record = terms.read_lease(self._spool, self.lease, now)
        ends = record.deadline if record else terms.read_grace(self._spool, self.lease, now)
        if ends is None:
            raise LeaseLost(self.id, self.lease, "its sidecar cannot be read")
        return records.to_datetime(ends)

    @property
    def task(self) -> bytes:
        """The payload, byte for byte as published.

        Raises:
            InvalidTask: larger than max_task_bytes; stream it from `path` instead.
            LeaseLost: it has to be read yet and is not ours any more.
        """
        if self._task is None:
            self._task = self._read_task()
        return self._task

    @property
    def task_in_memory(self) -> bytes | None:
        """The payload if it was read by now (small ones are, when taken), for who can stream it."""
        return self._task

    @telling_storage_errors
    def _read_task(self) -> bytes:
        try:
            limit = self._spool.settings.max_task_bytes
            return self._spool.fs.read(f"{layout.LEASED}/{self.name}", limit)
        except FileNotFoundError:
            raise self._lost() from None
        except Foreign as error:
            raise InvalidTask(f"{error.name}: {error.reason}; read it from job.path") from None

    @property
    def lost(self) -> bool:
        """Whether the lease is known to be lost, or cannot be trusted any longer. Advice to stop."""
        if self._ended is not None:
            return self._found_lost
        return self._found_lost or (self._lease is not None and not self._lease.is_trusted)

    def _usual_seconds(self) -> float:
        own = self._spool.meta(self.id).lease_seconds
        return self._spool.settings.lease_seconds if own is None else own

    # ----- ending it

    def done(self, result: bytes | None = None, *, run: Mapping[str, Any] | None = None) -> None:
        """Finish the job for good, with result bytes for `Spool.result` if given.

        `run` (JSON values) is kept in the end record, for `Spool.details`.

        A quiet success too when the job is done (or cancelled) by now. After the deadline it
        still succeeds as long as nobody has taken the task back.

        Raises:
            LeaseLost: somebody else has the job, or had; nothing changed.
            StorageError: the file system refused; the lease stays in charge.
        """
        try:
            with self._lock:  # as one_at_a_time does, which costs a third of all Python here
                if self._ended is not None:
                    if self._ended == "done":
                        return
                    self._check_held()
                spool = self._spool
                if result is None and run is None and self.attempt == 1:  # as most jobs
                    won = finish.done_plainly(spool, self.name, self.id, sync=spool.syncs_endings)
                else:
                    stored = None if result is None else checked_result(result)
                    won = finish.done(spool, self._held, self._facts(run), stored)
                if not won:
                    self._accept_if_done()
                self._left("done", "done" if won else None)
        except OSError as error:
            tell(error)

    @one_at_a_time
    def fail(
        self,
        reason: str,
        *,
        retry: bool = True,
        delay: float | None = None,
        run: Mapping[str, Any] | None = None,
    ) -> None:
        """Give the attempt up: the job waits its back-off (or `delay` seconds) and runs again.

        With `retry=False`, or when its attempts are used up, it goes to failed/ instead. `run`
        (JSON values) is kept in its history, and in the end record.

        Raises:
            LeaseLost: the lease is not ours any more; nothing changed.
            InvalidSetting: a delay that makes no sense.
            StorageError: the file system refused; the lease stays in charge.
        """
        self._check_held()
        pause = None if delay is None else checked_seconds("delay", delay)
        text = finish.shortened(str(reason))
        gives_up = not retry or leases.gives_up(self.attempt, self.max_attempts)
        if gives_up:
            won = finish.give_up(self._spool, self._held, {**self._facts(run), "reason": text})
        else:
            won = self._put_back(self.attempt, self._backoff() if pause is None else pause)
        if not won:
            raise self._lost()
        self._left("failed", "gave_up" if gives_up else "failed", text)
        self._note("failed", text, run)

    @one_at_a_time
    def release(self, delay: float = 0.0, *, reason: str | None = None) -> None:
        """Give the job back without counting the attempt; waiting `delay` seconds first.

        A `reason` is kept in the job's history.

        Raises:
            LeaseLost: the lease is not ours any more; nothing changed.
            InvalidSetting: a delay that makes no sense.
            StorageError: the file system refused; the lease stays in charge.
        """
        self._check_held()
        pause = checked_seconds("delay", delay)
        if not self._put_back(self.attempt - 1, pause) and not locate.was_released(
            self._spool, self.id, self.attempt
        ):
            raise self._lost()
        self._left("released", "released", reason)
        if reason is not None:
            self._note("released", finish.shortened(reason), None)

    @one_at_a_time
    def extend(self, seconds: float | None = None) -> None:
        """Hold the job for `seconds` from now (default: its usual lease) under a new lease name.

        Raises:
            LeaseLost: the lease is not ours any more; nothing changed.
            InvalidSetting: seconds that make no sense.
            StorageError: the file system refused; the old lease stays in charge.
        """
        self._check_held()
        term = self._usual_seconds() if seconds is None else seconds
        term = checked_seconds("seconds", term, positive=True)
        granted, renewed = renew.renew(self._spool, [self._held], term)
        mine = renewed[self._held]
        if mine is None:
            raise self._lost()
        self._moved_to(mine, HeldLease(self._spool, granted))

    def keep_alive(
        self,
        on_lost: Callable[[], None] | None = None,
        on_renewed: Callable[[], None] | None = None,
    ) -> KeepAlive:
        """A context manager that renews in the background and tells when the lease is lost.

        It yields an object with `lost`, a threading.Event; `on_lost()` is called once, on a
        thread of spoolq's; afterwards every call that needs the lease raises LeaseLost.
        `on_renewed()` is called after each renewal, on the thread that all renewals wait for.
        """
        return self._keeper.keep(self, on_lost, on_renewed)

    def __enter__(self) -> Self:
        self._kept = self.keep_alive()
        self._kept.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.__exit__(kind, error, trace)
        if self._ended is not None:
            return
        if error is None:
            self.done()
            return
        try:
            if isinstance(error, Exception):
                self.fail(finish.reason_of(error))
            else:
                self.release()
        except Exception as trouble:
            # What the body raised matters more; the lease stays in charge of the job.
            _log.warning("job %s: could not be given back: %s", self.id, trouble)

    def _check_held(self) -> None:
        if self._ended is not None:
            raise LeaseLost(self.id, self.lease, f"its holder has {self._ended} it already")

    def _backoff(self) -> float:
        chosen = self._spool.settings
        return retries.backoff_seconds(
            self.attempt,
            chosen.retry_delay_seconds,
            chosen.retry_delay_max_seconds,
            self._spool.chance(),
        )

    def _put_back(self, attempts: int, delay: float) -> bool:
        due = self._spool.clock.now() + delay if delay > 0 else None
        return finish.put_back(self._spool, self._held, attempts, due)

    def _facts(self, run: Mapping[str, Any] | None) -> dict[str, Any]:
        facts: dict[str, Any] = {} if run is None else {"run": dict(run)}
        if self._lease is not None:
            facts["granted_at"] = records.to_iso(self._lease.granted_at)
        return facts

    def _note(self, event: str, reason: str, run: Mapping[str, Any] | None) -> None:
        by = {"owner": self._spool.owner, "attempt": self.attempt, "lease": self.lease}
        history.note(self._spool, self.id, event, **by, reason=reason, run=run)

    def _accept_if_done(self) -> None:
        """The task was not where we held it: fine when the job is done by now, else lost."""
        place = locate.ended_place(self._spool, self.id)
        if place is not None and place.state == layout.DONE:
            ends.make_sure(self._spool, self.id, place)
            return
        raise self._lost()

    def _lost(self) -> LeaseLost:
        self._found_lost = True
        self._keeper.tell_lost(self)
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.leave()
        return LeaseLost(self.id, self.lease, _NOT_UNDER_IT)

    def _left(self, how: str, outcome: str | None, reason: str | None = None) -> None:
        self._ended = how
        journal = self._spool.journal
        if outcome is not None and journal is not None:
            journal.note(outcome, self.id, self.attempt, self._taken_at, reason)
        if self._keeper.kept:
            self._keeper.forget(self)
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.leave(for_good=outcome == "done")
        else:
            cancel.release_sidecar_if_last(self._spool, self.lease)

    def _moved_to(self, held: LeasedName, lease: HeldLease) -> None:
        lease.cover()
        old, self._lease = self._lease, lease
        old_name, self.name = self.lease, str(held)
        if old is not None:
            old.leave()
        else:
            cancel.release_sidecar_if_last(self._spool, old_name)
