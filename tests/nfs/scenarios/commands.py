"""Commands submitted on one host, run on another, watched from a third."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nfs.trial import Failed, Trial, eventually

if TYPE_CHECKING:
    from nfs.lab import Lab

_SPOOLQ = ("python3", "-m", "spoolq")
_STATUS = 5
_PATIENCE_SECONDS = 120.0


def output_is_seen_elsewhere(lab: Lab, _scale: int) -> str:
    """`submit --wait` and `logs -f` show all that a command on another host prints, as it comes."""
    trial = Trial(lab, "logs", "--lease-seconds", "60")
    runs, submits, watches = lab.clients[:3]
    trial.init(runs)
    spool = ("-s", trial.path)
    worker = runs.spawn([*_SPOOLQ, "work", *spool, "--commands", "--max-jobs", "1"])
    count = 40
    script = f"for n in $(seq {count}); do echo line $n; sleep 0.3; done; exit {_STATUS}"
    words = ("submit", *spool, "--cwd", "/", "--wait", "--shell", "--", script)
    waiting = submits.spawn([*_SPOOLQ, *words])
    eventually(lambda: "line 1" in waiting.lines, "the first line", _PATIENCE_SECONDS)
    when = sum(line.startswith("line ") for line in waiting.lines)
    (job_id,) = {name.partition(".")[0] for name in trial.listed("logs")}
    following = watches.spawn([*_SPOOLQ, "logs", *spool, "-f", job_id])
    if (status := waiting.wait(_PATIENCE_SECONDS)) != _STATUS:
        raise Failed(f"submit --wait ended with {status}: {waiting.lines}")
    following.wait(_PATIENCE_SECONDS)
    worker.wait(_PATIENCE_SECONDS)
    wanted = [f"line {number}" for number in range(1, count + 1)]
    for what, lines in (("submit --wait", waiting.lines), ("logs -f", following.lines)):
        if [line for line in lines if line.startswith("line ")] != wanted:
            raise Failed(f"{what} showed {lines}")
    return f"{count} lines seen on two other hosts, the first when {when} had come"
