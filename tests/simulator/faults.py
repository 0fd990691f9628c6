"""What goes wrong in one world: drawn from its seed before it begins, then operation by operation."""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LOST_REPLIES = {  # what the repeated request finds when the first one was done but not heard of
    "rename": errno.ENOENT,
    "link": errno.EEXIST,
    "unlink": errno.ENOENT,
    "rmdir": errno.ENOENT,
    "mkdir": errno.EEXIST,
}
NEEDS_ROOM = ("create", "create_unstamped", "write", "mkdir", "link", "append")
NEEDS_NO_HANDLE = ("close", "lstat", "unlink", "rename", "link", "mkdir", "rmdir", "write", "sync")
GIVES_A_HANDLE = ("create", "create_unstamped", "append")
KINDS = ("stall", "crash", "lost_reply", "refusal", "late_error", "full_disk")
REFUSALS = (errno.EIO, errno.EMFILE, errno.EACCES, errno.EINTR, errno.EROFS)
LOCAL, NETWORK = "local", "network"


@dataclass
class Plan:
    """One world's settings and the chances, each operation, of each kind of fault."""

    chance: random.Random
    kind: str = LOCAL
    hosts: int = 2
    processes: int = 4
    jobs: int = 40
    durability: str = "off"
    lease_seconds: float = 10.0
    max_attempts: int = 0
    sweep_seconds: float = 600.0
    keyed_share: float = 0.1
    latency_seconds: float = 0.0005
    stall: float = 0.002
    crash: float = 0.0
    lost_reply: float = 0.0
    refusal: float = 0.0
    late_error: float = 0.0
    full_disk: float = 0.0
    lock_denied: float = 0.2
    power_losses: int = 0
    cut_after: str = ""
    sudden_cuts: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    trouble: float = 0.0
    _bounds: list[tuple[float, str]] = field(default_factory=list)

    def count(self, kind: str) -> None:
        """One fault more of a kind was planted."""
        self.injected[kind] += 1

    def begin(self) -> None:
        """The chances are chosen: one draw an operation decides among all of them."""
        total, self._bounds = 0.0, []
        for kind in KINDS:
            total += getattr(self, kind)
            self._bounds.append((total, kind))
        self.trouble = total

    def kind_of(self, draw: float) -> str:
        """Which trouble a draw below `trouble` stands for."""
        return next(kind for bound, kind in self._bounds if draw < bound)

    def refusal_of(self, kind: str, operation: str) -> int | None:
        """The errno with which an operation is refused without having happened; None: it is not."""
        if kind == "full_disk" and operation in NEEDS_ROOM:
            self.count("full disk")
            return self.chance.choice((errno.ENOSPC, errno.EDQUOT))
        if kind == "refusal":
            code = self.chance.choice(REFUSALS)
            if code == errno.EMFILE and operation in NEEDS_NO_HANDLE:
                return None
            self.count(errno.errorcode[code])
            return code
        return None

    def reply_of(self, kind: str, operation: str) -> int | None:
        """The errno that is told of an operation that has happened; None: that it has."""
        if kind == "lost_reply" and operation in LOST_REPLIES:
            self.count("lost reply")
            return LOST_REPLIES[operation]
        if kind == "late_error" and operation not in GIVES_A_HANDLE:  # which is never lost
            self.count("error of what was done")
            return errno.EIO
        return None

    def is_cut_after(self, verb: str) -> bool:
        """Whether the power fails at the very moment in which a verb has returned."""
        if verb != self.cut_after or not self.sudden_cuts:
            return False
        if self.chance.random() > (0.05 if verb == "done" else 0.5):
            return False
        self.sudden_cuts -= 1
        return True

    def calm_down(self) -> None:
        """No more faults; what has been broken must mend."""
        self.sudden_cuts = 0
        for kind in KINDS:
            setattr(self, kind, 0.0)
        self.lock_denied = 0.0
        self.begin()


def plan(chance: random.Random) -> Plan:
    """A world's plan: some worlds meet one kind of fault, some all of them."""
    made = Plan(chance, kind=chance.choice((LOCAL, LOCAL, NETWORK)))
    made.hosts = chance.choice((1, 2, 3)) if made.kind == NETWORK else 1
    made.processes = chance.choice((2, 3, 4, 6))
    made.jobs = chance.choice((40, 80, 160))
    made.durability = chance.choice(("full", "full", "publish", "off", "off"))
    made.lease_seconds = chance.choice((0.5, 2.0, 10.0, 60.0))
    made.max_attempts = chance.choice((0, 0, 1, 3))
    made.sweep_seconds = chance.choice((1.0, 5.0, 600.0))
    made.keyed_share = chance.choice((0.0, 0.1, 0.5))
    made.latency_seconds = chance.choice((0.0001, 0.001, 0.02))
    made.stall = chance.choice((0.0, 0.002, 0.01))
    rate = chance.choice((0.001, 0.003, 0.01))
    for fault in ("crash", "refusal", "late_error", "full_disk"):
        if chance.random() < 0.4:
            setattr(made, fault, rate)
    if made.kind == NETWORK and chance.random() < 0.7:
        made.lost_reply = 4 * rate
    if made.kind == LOCAL and made.durability != "off" and chance.random() < 0.5:
        made.power_losses = chance.choice((1, 2, 4))
        # Some of these worlds have a favourite: an answer is given, and the power fails that instant.
        made.cut_after = chance.choice(("", "publish", "retry", "cancel", "done"))
        made.sudden_cuts = 6 if made.cut_after else 0
        if made.cut_after in {"publish", "cancel"}:  # which may rely on what the dead have left
            made.crash = 0.01
            made.keyed_share = 0.9
    made.begin()
    return made
