"""Probing the file system under a spool: each test of it, judged, and what spoolq will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spoolq.disk import mounts, probing
from spoolq.rules import fitness
from spoolq.rules.fitness import Check
from spoolq.upkeep import peer
from spoolq.verbs import opening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spoolq.verbs.context import OpenSpool

_ATTRIBUTE_OPTIONS = ("noac", "lookupcache", "actimeo", "acreg", "acdir")


def checks(path: str, peer_seconds: float | None) -> Iterator[Check]:
    """Each test of the file system under the spool at `path`, as it ends; a few seconds in all.

    With `peer_seconds` also those with another host, which may come within that time.

    Raises:
        SpoolNotFound, SpoolDamaged: there is no spool to try it on.
        OSError: nothing can be made there at all.
    """
    spool = opening.open_untrusted(path)
    yield from _alone(spool)
    if peer_seconds is not None:
        yield from peer.meet(spool, peer_seconds)


def _alone(spool: OpenSpool) -> Iterator[Check]:
    fs, chosen = spool.fs, spool.settings
    mount = mounts.mount_at(fs.root)
    yield _mount(mount)
    for check, race, needed_for in (
        ("rename", probing.rename_race(fs), "taking a job once"),
        ("exclusive create", probing.create_race(fs), "a file system for more than one host"),
        ("link", probing.link_race(fs), "making a spool"),
        ("rename of directories", probing.directory_race(fs), "a unique key"),
    ):
        yield fitness.judge_race(check, race.rounds, race.wrong, race.refused, needed_for)
    stamps = probing.stamps(fs)
    yield fitness.judge_steps(stamps.step_seconds, chosen.lease_seconds)
    yield fitness.judge_stamps(stamps.created_ahead, stamps.written_ahead)
    seen = probing.listing(fs)
    yield fitness.judge_listing(seen.made, seen.unlisted, seen.unseen, seen.seconds)
    syncs = probing.syncs(fs)
    yield fitness.judge_syncs(
        syncs.file_seconds, syncs.directory_seconds, syncs.refused, chosen.durability
    )
    wanted = (0o660, 0o2770) if chosen.group else (0o600, 0o700)
    modes = probing.modes(fs, *wanted)
    yield fitness.judge_modes(modes.file, modes.directory)
    yield fitness.judge_locks(work=probing.locks_work(fs, wanted[0]))
    yield _waiting(spool, mount)


def _mount(mount: mounts.Mount) -> Check:
    figures = {
        "type": mount.type,
        "source": mount.source,
        "options": ",".join(mount.options),
        "kernel": mounts.kernel(),
    }
    what = f"{mount.type} at {mount.point}, {mounts.kernel()}"
    if mount.is_nfs:
        kept = [word for word in mount.options if word.startswith(("vers=", *_ATTRIBUTE_OPTIONS))]
        what += f" ({', '.join(['soft' if mount.gives_up else 'hard', *kept])})"
    if mount.gives_up:
        allowed = mounts.allows_soft()
        advice = (
            "mount it hard: a request that was given up may still be carried out, any time later"
        )
        advice += " (allowed here by SPOOLQ_ALLOW_SOFT=1)" if allowed else "; spoolq refuses it"
        return Check("mount", "note" if allowed else "unsafe", what, advice, figures)
    if mount.is_nfs and "nocto" in mount.options:
        advice = "mount without nocto: other hosts' jobs are seen half a minute late"
        return Check("mount", "unsafe", what, advice, figures)
    return Check("mount", "ok", what, figures=figures)


def _waiting(spool: OpenSpool, mount: mounts.Mount) -> Check:
    chosen = spool.settings
    by_events = chosen.watch == "events" or (chosen.watch == "auto" and not mount.is_network)
    figures = {"events": by_events, "poll_seconds": chosen.poll_seconds}
    if not by_events:
        most = f"consumers poll, idle ones every {chosen.poll_seconds:g} s at most"
        return Check(
            "waiting", "ok", f"{most}: events of other hosts cannot be had", figures=figures
        )
    if mount.is_network:
        advice = "set watch to auto or poll in spool.json"
        what = "consumers wait for events, and other hosts' jobs give none"
        return Check("waiting", "note", what, advice, figures)
    return Check("waiting", "ok", "consumers are woken by events", figures=figures)
