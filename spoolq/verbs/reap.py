"""reap: expired leases go back, due delayed tasks become ready, orphans of leases are swept.

Idempotent, and safe on all hosts at once: each move is one rename from a name that pins the state.
"""

from __future__ import annotations

import math

from spoolq.disk.atomic import move
from spoolq.later import log_named
from spoolq.rules import layout, leases, names
from spoolq.verbs import claim, doubles, finish, history, journal, terms
from spoolq.verbs.locate import job_of
from spoolq.verbs.looks import Looks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.rules.names import LeasedName
    from spoolq.rules.records import Lease
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.reap")


class ReapPass:
    """What one pass did, and when the next thing is known to fall due (server seconds)."""

    __slots__ = ("failed", "next_at", "promoted", "returned", "swept")

    def __init__(self) -> None:
        self.returned = 0
        self.promoted = 0
        self.failed = 0
        self.swept = 0
        self.next_at: float | None = None

    def falls_due(self, at: float) -> None:
        """Remember the earliest time at which another pass is of use."""
        self.next_at = at if self.next_at is None else min(self.next_at, at)

    @property
    def moved(self) -> int:
        """How many jobs changed their state."""
        return self.returned + self.promoted + self.failed


class Reaper:
    """Passes over leased/ and delayed/; remembers sidecars, so a pass costs what changed."""

    def __init__(self, spool: OpenSpool) -> None:
        self._spool = spool
        self._terms = terms.Terms(spool)
        self._delayed_looks = Looks(spool, layout.DELAYED)
        self._leased_looks = Looks(spool, layout.LEASED)

    def run_once(self) -> ReapPass:
        """One pass over both directories.

        Raises:
            OSError: the file system refused; what was moved before that stays moved.
        """
        done = self.promote()
        self.expire(done)
        return done

    def promote(self) -> ReapPass:
        """Move due delayed tasks to ready/. Costs one listing, and a rename for each due one."""
        done = ReapPass()
        self._delayed_looks.begin()
        names_found = self._spool.fs.list(layout.DELAYED)
        self._delayed_looks.end()
        if not names_found:
            return done
        now = self._spool.clock.fresh_now()
        due_by = names.format_time(now)
        later = [name for name in names_found if name[: len(due_by)] > due_by]
        for name in sorted(set(names_found) - set(later)):
            task = names.parse_delayed(name)
            if task is not None and task.due <= now and self._is_ours(layout.DELAYED, name):
                target = f"{layout.READY}/{names.ReadyName(task.id, task.attempts)}"
                done.promoted += move(self._spool.fs, f"{layout.DELAYED}/{name}", target)
        self._next_due(done, later)
        return done

    def _is_ours(self, state: str, name: str) -> bool:
        """A look before a move by name, so that foreign things of our names stay where they are."""
        entry = self._spool.fs.lstat(f"{state}/{name}")
        if entry is None or entry.kind != "file":
            return False
        job_id = job_of(state, name)
        if entry.links == 1 or job_id is None or not doubles.settle(self._spool, job_id):
            return True
        return self._spool.fs.lstat(f"{state}/{name}") is not None

    @staticmethod
    def _next_due(done: ReapPass, later: list[str]) -> None:
        while later:
            first = names.parse_delayed(min(later))
            if first is not None:
                done.falls_due(first.due)
                return
            later.remove(min(later))  # foreign

    def look(self) -> ReapPass:
        """See what has expired without moving anything: `returned` and `swept` count it."""
        seen = ReapPass()
        listed, sidecars = self._leased()
        self._terms.forget_all_but(listed)
        now = self._spool.clock.now() if listed else 0.0
        for lease, found in listed.items():
            deadline = self._terms.deadline(lease, found, now)
            if leases.is_over(deadline, now):
                seen.returned += len(names.leased_among(found))
            elif deadline < math.inf:
                seen.falls_due(deadline)
        seen.swept = len(sidecars - listed.keys())
        return seen

    def _leased(self) -> tuple[dict[str, list[str]], set[str]]:
        """The names in leased/ by the lease they end in, and the leases that have a sidecar.

        Foreign names may be among them: a name is taken apart when its lease is over, so that a
        pass over leases that are not costs a third.
        """
        listed: dict[str, list[str]] = {}
        self._leased_looks.begin()
        for name in self._spool.fs.iterate(layout.LEASED):
            lease = name[name.rfind(".") + 1 :]
            if lease in listed:
                listed[lease].append(name)
            else:
                listed[lease] = [name]
        self._leased_looks.end()
        sidecars: set[str] = set()
        for kind in ("lease", "grace"):
            # No holder calls its lease so; but a foreign client might.
            found = {name: names.parse_sidecar(name) for name in listed.pop(kind, ())}
            sidecars.update(sidecar[0] for sidecar in found.values() if sidecar)
            if others := [name for name, sidecar in found.items() if not sidecar]:
                listed[kind] = others
        return listed, sidecars

    def expire(self, done: ReapPass) -> None:
        """Take back the tasks of every lease that is over, and sweep sidecars without tasks."""
        listed, sidecars = self._leased()
        self._terms.forget_all_but(listed)
        if not listed and not sidecars:
            return
        now = self._spool.clock.fresh_now()
        for lease, found in listed.items():
            deadline = self._terms.deadline(lease, found, now)
            if leases.is_over(deadline, now):
                # RACE: I5. The clock is asked of the server anew before a lease is called over.
                now = self._spool.clock.fresh_now(1.0)
            if not leases.is_over(deadline, now):
                if deadline < math.inf:
                    done.falls_due(deadline)
                continue
            record = terms.read_lease(self._spool, lease, now)
            tried = [self._is_taken_back(task, record, done) for task in names.leased_among(found)]
            if not all(tried):
                continue  # without its sidecar the lease of what stays would begin anew for others
            claim.drop_sidecar(self._spool, lease)
            done.swept += terms.sweep_sidecar(self._spool, lease, now)
        for lease in sidecars - listed.keys():
            done.swept += terms.sweep_sidecar(self._spool, lease, now)

    def _is_taken_back(self, task: LeasedName, record: Lease | None, done: ReapPass) -> bool:
        try:
            self._take_back(task, record, done)
        except PermissionError as error:
            # One file that is not ours to move must not keep the others from going back.
            _log.warning("%s cannot be taken back: %s", task, error)
            return False
        return True

    def _take_back(self, task: LeasedName, record: Lease | None, done: ReapPass) -> None:
        spool = self._spool
        owner, granted_at = (record.owner, record.granted_at) if record else (None, None)
        if not self._is_ours(layout.LEASED, str(task)):
            return
        own = spool.meta(task.id).max_attempts
        allowed = spool.settings.max_attempts if own is None else own
        reason = "lease expired"
        if leases.gives_up(task.attempt, allowed):
            reason = f"lease expired, attempt {task.attempt} of {allowed}"
            facts = {"reason": reason, "lease": task.lease, "owner": owner}
            won = finish.give_up_for(spool, task, facts)
            done.failed += won
        else:
            won = finish.put_back(spool, task, task.attempt, None)
            done.returned += won
        if won:
            told: dict[str, object] = {"attempt": task.attempt, "lease": task.lease}
            history.note(spool, task.id, "expired", owner=owner, reason=reason, **told)
            journal.note(spool, "expired", task, granted_at, reason, owner)
