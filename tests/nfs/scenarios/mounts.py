"""What the mount itself is asked: requests for each move, and the doctor's probe of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nfs.budgets import BATCH, MOVES
from nfs.lab import each
from nfs.trial import Failed, Trial

if TYPE_CHECKING:
    from nfs.lab import Lab

WAITING = 2 * BATCH


def request_budgets(lab: Lab, _scale: int) -> str:
    """Each move costs the requests that its system calls need, and no more."""
    publisher, consumer, *_ = lab.clients
    trial = Trial(lab, "budgets", "--lease-seconds", "300")
    trial.init(publisher)
    put = f"seq {WAITING} | python3 -m spoolq -s {trial.path} put --lines > /run/ids"
    publisher.shell(put)
    told = json.loads(consumer.run(["python3", "-m", "nfs.requests", "moves", trial.path])[-1])
    if "noac" not in lab.options:
        over = [
            f"{move} took {told[move]}, the budget is {allowed}"
            for move, allowed in MOVES.items()
            if int(told[move]["total"]) > allowed
        ]
        if over:
            raise Failed("; ".join(over))
    return ", ".join(f"{move} {cost['total']:g}" for move, cost in told.items())


def probes_meet(lab: Lab, _scale: int) -> str:
    """doctor --probe --peer on two clients at once finds nothing wrong."""
    trial = Trial(lab, "probe")
    trial.init(lab.clients[0])
    probe = ["python3", "-m", "spoolq", "-s", trial.path, "doctor", "--peer", "--json"]
    both = each(lab.clients[:2], lambda client: client.run(probe, seconds=120, check=False))
    told = [{c["check"]: c for c in map(json.loads, lines)} for lines in both]  # type: ignore[arg-type]
    bad = [c for checks in told for c in checks.values() if c["verdict"] not in {"ok", "note"}]
    if bad or not all("rename against peer" in checks for checks in told):
        raise Failed(f"{bad or told}")
    left = trial.listed("sys/tmp")
    if left:
        raise Failed(f"left in sys/tmp: {left}")
    return f"{_seen(told[0], 'we see peer')} and {_seen(told[1], 'we see peer')} until seen"


def soft_mounts(lab: Lab, _scale: int) -> str:
    """A soft mount of the same spool is refused, unless the user allows it."""
    client = lab.clients[0]
    trial = Trial(lab, "soft")
    trial.init(client)
    point = "/mnt/soft"
    source = f"{lab.server.ip}:{'/srv' if lab.version.startswith('3') else ''}/spool"
    client.shell(f"mkdir -p {point} && mount -t nfs -o vers={lab.version},soft {source} {point}")
    try:
        put = f"echo task | python3 -m spoolq -s {point}/soft put"
        told = client.shell(put, check=False)
        if len(told) != 1 or "soft NFS mount" not in told[0] or trial.listed("ready"):
            raise Failed(f"on a soft mount: {told}")
        client.shell(f"SPOOLQ_ALLOW_SOFT=1; export SPOOLQ_ALLOW_SOFT; {put}")
        if len(trial.listed("ready")) != 1:
            raise Failed("allowed on a soft mount, and not published")
    finally:
        client.shell(f"umount {point}")
    return "refused, and allowed when asked for"


def _seen(checks: dict[str, Any], check: str) -> str:
    figures = checks[check]["figures"]
    return f"{figures['median_seconds']:.3f} s (at most {figures['most_seconds']:.3f} s)"
