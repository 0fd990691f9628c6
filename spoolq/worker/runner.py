"""The worker's loop: one thread that takes jobs, runs their commands, and ends the jobs.

What may block lives elsewhere: commands and their time limits in the guard's process, waiting for
jobs in the intake's thread, output in the captures' thread, renewals in the keeper's.
"""

from __future__ import annotations

import errno
import select
import signal
import time
from typing import TYPE_CHECKING

from spoolq.errors import InvalidTask, LeaseLost, SpoolqError
from spoolq.queue import internals
from spoolq.verbs import listing
from spoolq.worker import descriptors
from spoolq.worker.care import Care
from spoolq.worker.child import Commands
from spoolq.worker.endings import Endings, Outcome
from spoolq.worker.exits import Action, Verdict, end_record, judge
from spoolq.worker.intake import Intake
from spoolq.worker.launch import Launcher, Running
from spoolq.worker.limits import limits_of, stop_after_signal
from spoolq.worker.listener import Counts, Listener
from spoolq.worker.memory import resident_bytes
from spoolq.worker.outputs import Outputs
from spoolq.worker.presence import Presence
from spoolq.worker.wake import Wake

if TYPE_CHECKING:
    from spoolq.holding.job import Job
    from spoolq.queue import Spool
    from spoolq.worker.child import Ended
    from spoolq.worker.options import WorkOptions

BEAT_SECONDS = 1.0
_TAKES_IN_A_ROW = 16
_FOR_GOOD = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS))
_NOT_THERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENOEXEC))
_COUNTED = {
    Outcome.DONE: "done",
    Outcome.FAILED: "failed",
    Outcome.RETRIED: "retried",
    Outcome.RELEASED: "released",
    Outcome.LOST: "lost",
}
ASKED = "the worker was asked to stop"
OUT_OF_TIME = "the worker's time is over"


class Runner:
    """Runs commands for the jobs of a spool, until it is told to stop or has nothing more to do.

    It closes the spool when it takes no more jobs.

    Attributes:
        counts: what it did so far; those handed in, of its life before, are counted on.
        wants_anew: it ended because of its own memory, and should be started anew.
    """

    def __init__(
        self,
        spool: Spool,
        options: WorkOptions,
        listener: Listener | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._open, self._options = internals(spool), options
        self._listener = listener or Listener()
        self.counts = counts or Counts()
        self.wants_anew = False
        self.wake = Wake()
        self._limits = limits_of(options)
        self._stop_at = self._limits.stop_at
        self._intake = Intake(spool, self.wake)
        self._running: dict[int, Running] = {}
        self._endings = Endings(self._open, self._told, self._refused)
        self._presence = Presence(self._open, options.slots, self._listener.trouble)
        self._draining = self._stopping = self._goes_on = False
        self._failure: SpoolqError | None = None
        self._signals: list[int] = []
        self._polite_signals = 0
        self._beat_at = self._empty_look_at = 0.0
        self._idle_since = time.monotonic()

    # --- told from outside

    def heard(self, number: int) -> None:
        """A signal has come; called by its handler."""
        self._signals.append(number)
        self.wake.ring()

    def drain(self, reason: str, *, anew: bool = False) -> None:
        """Take no more jobs; what runs goes on to its end."""
        self.wants_anew = anew  # who tells us to end for good while we do for a new life is obeyed
        if not self._draining:
            self._draining = True
            self._intake.close()
            self._show()
            self._listener.draining(reason)

    def stop(self, reason: str, *, grace_seconds: float | None = None) -> None:
        """Take no more jobs, stop what runs, and give its jobs back at once."""
        self.drain(reason)
        if not self._stopping:
            self._stopping = True
            self._listener.stopping(reason)
        for number in self._running:
            self._commands.stop(number, reason=reason, grace_seconds=grace_seconds)

    # --- the loop

    def run(self) -> None:
        """Until the end.

        Raises:
            SpoolqError: the spool cannot be worked with any more; what ran was ended first.
            OSError: no process or descriptor to be had for the guard.
        """
        with Commands(
            grace_seconds=self._options.grace_seconds, clock=self._open.clock.now
        ) as self._commands:
            self._outputs = Outputs(self._open, self._options.output, self._options.max_output)
            self._care = Care(self._open, self._commands)
            self._launcher = Launcher(self._open, self._commands, self._outputs, self._options)
            try:
                self._commands.open()
                descriptors.make_room(self._options.slots)  # after the guard: commands keep theirs
                self._presence.begin()
                self._show()
                self._listener.ready()
                self._loop()
            finally:
                self._leave()
        if self._failure is not None:
            raise self._failure

    def _loop(self) -> None:
        while True:
            self._tick()
            self._fill()
            if self._is_over():
                return
            self._wait()
            self.wake.clear()
            self._obey_signals()
            for ended in self._commands.read():
                self._ended(ended)

    def _is_over(self) -> bool:
        if not self._draining or self._running or self._intake.is_waiting:
            return False
        return not self._endings or self._stopping

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._commands.fileno(), select.POLLIN)
        poll.register(self.wake.fileno(), select.POLLIN)
        seconds = 0.0 if self._goes_on else max(0.0, self._next_at() - time.monotonic())
        poll.poll(seconds * 1000)

    def _next_at(self) -> float:
        """When something is due, at the latest."""
        due = [self._beat_at, self._presence.beat_at, self._presence.look_at]
        due.append(self._endings.next_at())
        if self._running:
            due.append(self._care.look_at)
        due += [running.care_at for running in self._running.values() if running.care_at]
        if not self._draining:
            due.append(self._limits.take_until)
            if self._intake.take_at > time.monotonic():
                due.append(self._intake.take_at)
            if self._is_idle:
                due += self._leave_times()
        if not self._stopping:
            due.append(self._stop_at)
        return min(due)

    @property
    def _is_idle(self) -> bool:
        return self._intake.is_waiting and not self._running

    def _leave_times(self) -> list[float]:
        idle = self._options.idle_seconds
        times = [] if idle is None else [self._idle_since + idle]
        return [*times, self._empty_look_at] if self._options.until_empty else times

    def _obey_signals(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            name = signal.Signals(number).name
            if number == signal.SIGHUP:
                self.drain(f"got {name}")  # a lost terminal tells twice: never more than this
                continue
            self._polite_signals += 1
            if self._polite_signals == 1:
                self.drain(f"got {name}")
                self._stop_at = stop_after_signal(
                    self._options.drain_seconds, self._stop_at, time.monotonic()
                )
            else:
                hard = 0.0 if self._polite_signals > 2 else None
                self.stop("the worker was stopped by a signal", grace_seconds=hard)

    # --- taking and starting

    def _fill(self) -> None:
        """Take jobs for the free slots and start their commands."""
        self._goes_on = False
        for _ in range(_TAKES_IN_A_ROW):
            try:
                jobs = self._intake.arrived()
                if not jobs and (room := self._room()):
                    jobs = self._intake.take(room)
                    if not jobs:
                        self._intake.wait(room)
            except SpoolqError as error:
                self._cannot_take(error)
                return
            if not jobs:
                return
            for job in jobs:
                self._start(job)
        # Jobs that are no commands free their slots at once: signals and ends want to be heard.
        self._goes_on = True

    def _room(self) -> int:
        """How many jobs to take now."""
        if self._draining or self._intake.is_waiting or time.monotonic() < self._intake.take_at:
            return 0
        room = self._options.slots - len(self._running) - len(self._endings)
        if self._options.max_jobs is not None:
            room = min(room, self._options.max_jobs - self.counts.started)
        return max(0, room)

    def _cannot_take(self, error: SpoolqError) -> None:
        if not isinstance(error, OSError) or error.errno in _FOR_GOOD:
            self._failure = error
            self.drain(str(error))
            return
        if self._intake.hold_off():
            self._listener.trouble(f"no job can be taken for now: {error}")

    def _start(self, job: Job) -> None:
        if self._draining:
            self._endings.end(job, Verdict(Action.RELEASE, "the worker takes no more"), None)
            return
        try:
            running = self._launcher.start(job)
        except InvalidTask as error:
            self._endings.end(job, Verdict(Action.FAIL, str(error)), None)
        except LeaseLost as error:
            self._told(job, Outcome.LOST, Verdict(Action.RELEASE, str(error)))
        except OSError as error:
            why = f"could not be started: {error}"
            if self._intake.hold_off():
                self._listener.trouble(f"job {job.id} {why}")
            self._endings.end(job, Verdict(Action.POSTPONE, why), None)
        else:
            self._intake.went_well()
            self.counts.started += 1
            self._running[running.number] = running
            self.counts.running = len(self._running)
        if self.counts.started == self._options.max_jobs:
            self.drain(f"has started {self.counts.started} jobs")

    # --- ends

    def _ended(self, ended: Ended) -> None:
        running = self._running.pop(ended.number)
        self.counts.running = len(self._running)
        job = running.job
        sizes = self._finish_output(running)
        running.drop_copy()
        verdict = self._verdict(ended, job, running.time_limit)
        run = end_record(ended, host=self._open.host, attempt=job.attempt) | sizes
        self._endings.end(job, verdict, run)
        self._idle_since = time.monotonic()
        self._look_at_memory()

    def _verdict(self, ended: Ended, job: Job, time_limit: float | None) -> Verdict:
        if self._options.argv and ended.start_errno in _NOT_THERE:
            # Not the jobs' fault: a host without the program must not fail them all.
            why = f"the command cannot be started here: {ended.start_error}"
            self._failure = SpoolqError(why)
            self.drain(why)
            return Verdict(Action.RELEASE, why)
        verdict = judge(
            ended,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            time_limit=time_limit,
            policy=self._options.policy,
            told_to_end=self._polite_signals > 0,
        )
        no_resources = ended.start_errno is not None and verdict.action is Action.POSTPONE
        if no_resources or ended.stopped == "guard":
            self._intake.hold_off()
        return verdict

    def _finish_output(self, running: Running) -> dict[str, int]:
        sizes = {}
        for stream, logged in zip(("stdout", "stderr"), running.streams.finish(), strict=False):
            sizes[f"{stream}_bytes"] = logged.total_bytes
            if logged.lost_bytes or logged.error:
                self._listener.trouble(
                    f"job {running.job.id}: {logged.lost_bytes} bytes of its {stream} could not "
                    f"be logged: {logged.error}"
                )
        return sizes

    def _told(self, job: Job, outcome: Outcome, verdict: Verdict) -> None:
        name = _COUNTED[outcome]
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        self._listener.ended(job.id, job.attempt, outcome, verdict.reason)

    def _refused(self, job: Job, error: SpoolqError) -> None:
        self._listener.trouble(f"job {job.id} cannot be ended for now: {error}")

    def _look_at_memory(self) -> None:
        most = self._options.max_rss
        if most is not None and not self._draining and resident_bytes() > most:
            self.drain(f"uses more than {most} bytes of memory, begins anew", anew=True)

    # --- time

    def _tick(self) -> None:
        now = time.monotonic()
        for running in self._running.values():
            if running.care_at is not None and running.care_at <= now:
                self._care.begin(running)
        if self._running and now >= self._care.look_at:
            self._care.look(list(self._running.values()))
        if self._endings.next_at() <= now:
            self._endings.try_again()
        if now >= self._limits.take_until:
            self.drain("has no time left for another task")
        if now >= self._stop_at and not self._stopping:
            self.stop(OUT_OF_TIME)
        self._look_at_spool(now)
        if now >= self._beat_at:
            self._beat_at = now + BEAT_SECONDS
            self._listener.beat(self.counts, draining=self._draining)
        if not self._draining and self._is_idle:
            self._look_whether_to_leave(now)

    def _show(self) -> None:
        self._presence.beat(self.counts, self._running.values(), draining=self._draining)

    def _look_at_spool(self, now: float) -> None:
        if now >= self._presence.beat_at:
            self._show()
        if now >= self._presence.look_at and not self._stopping:
            asked = self._presence.stop_asked()
            if asked:
                self.stop(ASKED)
            elif asked is not None:
                self.drain(ASKED)

    def _look_whether_to_leave(self, now: float) -> None:
        idle = self._options.idle_seconds
        if idle is not None and now - self._idle_since >= idle:
            self.drain(f"idle for {idle:g} s")
        elif self._options.until_empty and now >= self._empty_look_at:
            if listing.is_quiet(self._open):
                self.drain("the spool is empty")
            took = time.monotonic() - now
            self._empty_look_at = now + max(BEAT_SECONDS / 2, 20 * took)

    def _leave(self) -> None:
        if not self._draining:  # after an error of ours
            self.drain("is leaving")
        self._presence.leave()
        self._endings.try_again(give_up=True)
        if self._open.journal is not None:
            self._open.journal.write()
        for running in self._running.values():  # after an error of ours: the guard kills them
            running.streams.finish()
            running.drop_copy()
        self._launcher.close()
        self._outputs.close()
