"""What the numbers of a probe mean for spoolq. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from spoolq.rules import leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USUAL_STEP_SECONDS = 0.011
"""Steps of time stamps that the clock reckons with anyway."""
CLOCK_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One test's verdict: "ok", "note" (works, with something to know), "unsafe" or "untested"."""

    check: str
    verdict: str
    what: str
    advice: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def is_finding(self) -> bool:
        """Whether somebody should do something about it."""
        return self.verdict in {"unsafe", "untested"}


def judge_race(check: str, rounds: int, wrong: int, refused: str | None, needed_for: str) -> Check:
    """A contest must have exactly one winner each time."""
    figures = {"rounds": rounds, "wrong": wrong}
    if not wrong:
        return Check(check, "ok", f"one winner in each of {rounds} races", figures=figures)
    advice = f"{needed_for} needs it: do not put a spool here"
    if refused:
        return Check(check, "unsafe", f"does not work here: {refused}", advice, figures)
    return Check(check, "unsafe", f"not exclusive in {wrong} of {rounds} races", advice, figures)


def shortest_lease_seconds(step_seconds: float) -> float | None:
    """The shortest lease whose margin covers the steps of time stamps; None: there is none."""
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300):
        if leases.margin_seconds(seconds) >= step_seconds:
            return float(seconds)
    return None


def judge_steps(step_seconds: float, lease_seconds: float) -> Check:
    """Coarse stamps make deadlines seem earlier than their holders think."""
    figures = {"step_seconds": step_seconds}
    what = f"stamps of new files come in steps of {step_seconds * 1000:.3g} ms"
    if step_seconds <= USUAL_STEP_SECONDS or leases.margin_seconds(lease_seconds) >= step_seconds:
        verdict = "ok" if step_seconds <= USUAL_STEP_SECONDS else "note"
        return Check("time steps", verdict, what, figures=figures)
    least = shortest_lease_seconds(step_seconds)
    advice = (
        "do not put a spool here" if least is None else f"set lease_seconds to {least:.0f} or more"
    )
    return Check("time steps", "unsafe", what, advice, figures)


def judge_stamps(created_ahead: float, written_ahead: float) -> Check:
    """Who stamps files, and how far this host's clock is from theirs."""
    figures = {"host_ahead_seconds": -created_ahead, "write_after_create_seconds": written_ahead}
    figures["write_after_create_seconds"] = written_ahead - created_ahead
    by_host = abs(written_ahead - created_ahead) > CLOCK_TOLERANCE_SECONDS
    who = "this host stamps what it writes, the server what is created" if by_host else ""
    if abs(created_ahead) > CLOCK_TOLERANCE_SECONDS:
        who = who or "the file server stamps files"
        what = f"{who}; this host's clock is {-created_ahead:+.1f} s against it"
        advice = "spoolq goes by the server's clock; mend NTP for everybody else"
        return Check("clock", "note", what, advice, figures)
    who = who or "new files bear this host's time, or that of a server whose clock agrees"
    return Check(
        "clock", "note" if by_host else "ok", f"{who} ({-created_ahead:+.3f} s)", figures=figures
    )


def judge_listing(made: int, unlisted: int, unseen: int, seconds: float) -> Check:
    """New names must be listed at once by the host that made them."""
    figures = {"made": made, "unlisted": unlisted, "unseen": unseen, "listing_seconds": seconds}
    if unlisted or unseen:
        what = f"of {made} new names {unlisted} were not listed and {unseen} not found at once"
        return Check("listing", "unsafe", what, "mount without nocto and such caches", figures)
    what = (
        f"{made} new names were listed and found at once; a listing takes {seconds * 1000:.1f} ms"
    )
    return Check("listing", "ok", what, figures=figures)


def judge_syncs(
    file_seconds: float | None,
    directory_seconds: float | None,
    refused: str | None,
    durability: str,
) -> Check:
    """Whether this durability can be had, and what it costs."""
    figures = {"file_sync_seconds": file_seconds, "directory_sync_seconds": directory_seconds}
    if file_seconds is None or directory_seconds is None:
        verdict = "note" if durability == "off" else "unsafe"
        advice = "only durability off works here"
        return Check("durability", verdict, f"fsync is refused: {refused}", advice, figures)
    each = file_seconds + directory_seconds
    told = {
        "full": f"publish and done wait for the disk, {each * 1000:.1f} ms each",
        "publish": f"publish waits for the disk, {each * 1000:.1f} ms",
        "off": "nothing waits for the disk",
    }
    what = f"durability {durability}: {told.get(durability, durability)}"
    return Check("durability", "ok", what, figures=figures)


def judge_modes(file: tuple[int, int], directory: tuple[int, int]) -> Check:
    """Files and directories must get the spool's modes, else others may read or not write."""
    figures = {"file_mode": f"{file[1]:o}", "directory_mode": f"{directory[1]:o}"}
    if file[0] == file[1] and directory[0] == directory[1]:
        what = f"files get mode {file[1]:o}, directories {directory[1]:o}"
        return Check("modes", "ok", what, figures=figures)
    what = (
        f"files get mode {file[1]:o} instead of {file[0]:o}, "
        f"directories {directory[1]:o} instead of {directory[0]:o}"
    )
    return Check("modes", "note", what, "the mount decides who may read and write", figures)


def judge_locks(*, work: bool) -> Check:
    """Locks only save work."""
    if work:
        return Check("locks", "ok", "locks exclude each other; used only to share out upkeep")
    return Check("locks", "note", "locks do not work; upkeep may be done twice, which is harmless")
