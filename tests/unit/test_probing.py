"""The probe's experiments tell a bad file system from a good one, and its verdicts say so."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from spoolq import Spool, SpoolUnsafe
from spoolq.disk import mounts, probing
from spoolq.disk.filesystem import OsFileSystem
from spoolq.rules import fitness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOFT = mounts.Mount("/net", "nfs4", "server:/", ("rw", "vers=4.2", "soft", "proto=tcp"))


@pytest.fixture
def fs(tmp_path: Path) -> OsFileSystem:
    os.makedirs(tmp_path / "sys" / "tmp")
    os.makedirs(tmp_path / "sys" / "locks")
    return OsFileSystem(str(tmp_path))


def replaced(fs: OsFileSystem, name: str, by: Callable[..., Any]) -> OsFileSystem:
    setattr(fs, name, by)
    return fs


def refuse(*_: object) -> None:
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


def copying_rename(fs: OsFileSystem) -> Callable[[str, str], None]:
    """A rename that leaves its source, so that nobody ever loses."""
    return lambda source, target: os.link(f"{fs.root}/{source}", f"{fs.root}/{target}")


RACES = [
    probing.rename_race,
    probing.create_race,
    probing.link_race,
    probing.directory_race,
]


@pytest.mark.parametrize("race", RACES)
def test_a_sound_file_system_has_one_winner(fs: OsFileSystem, race: Callable) -> None:
    seen = race(fs, 5)
    assert (seen.rounds, seen.wrong, seen.refused) == (5, 0, None)
    assert os.listdir(f"{fs.root}/sys/tmp") == []


def test_a_rename_that_several_win_is_unsafe(fs: OsFileSystem) -> None:
    seen = probing.rename_race(replaced(fs, "rename", copying_rename(fs)), 5)
    assert seen.wrong == 5
    judged = fitness.judge_race("rename", seen.rounds, seen.wrong, seen.refused, "x")
    assert judged.verdict == "unsafe"
    assert "not exclusive in 5 of 5" in judged.what


def test_what_is_refused_is_unsafe_and_says_why(fs: OsFileSystem) -> None:
    seen = probing.link_race(replaced(fs, "link", refuse), 3)
    judged = fitness.judge_race("link", seen.rounds, seen.wrong, seen.refused, "x")
    assert (judged.verdict, "Operation not supported" in judged.what) == ("unsafe", True)


@pytest.mark.parametrize("name", ["sync", "sync_directory"])
def test_durability_without_fsync_is_unsafe_unless_it_is_off(fs: OsFileSystem, name: str) -> None:
    seen = probing.syncs(replaced(fs, name, refuse))
    facts = (seen.file_seconds, seen.directory_seconds, seen.refused)
    assert fitness.judge_syncs(*facts, "full").verdict == "unsafe"
    assert fitness.judge_syncs(*facts, "off").verdict == "note"


def test_names_that_are_not_listed_are_unsafe(fs: OsFileSystem) -> None:
    seen = probing.listing(replaced(fs, "list", lambda _name: []), 3)
    assert (seen.unlisted, seen.unseen) == (3, 0)
    assert fitness.judge_listing(3, seen.unlisted, seen.unseen, 0.1).verdict == "unsafe"
    assert probing.listing(OsFileSystem(fs.root), 3).unlisted == 0


def test_steps_of_time_stamps_are_found(fs: OsFileSystem) -> None:
    real = fs.create

    def whole_seconds(name: str) -> tuple[int, float]:
        handle, stamp = real(name)
        return handle, float(int(stamp))

    assert probing.stamps(fs).step_seconds < 0.5
    assert probing.stamps(replaced(fs, "create", whole_seconds)).step_seconds >= 1.0


@pytest.mark.parametrize(
    ("step", "lease", "verdict"),
    [(0.004, 0.5, "ok"), (1.0, 60.0, "note"), (1.0, 10.0, "unsafe"), (3.0, 3600.0, "unsafe")],
)
def test_leases_must_outlast_the_steps_of_time_stamps(
    step: float, lease: float, verdict: str
) -> None:
    assert fitness.judge_steps(step, lease).verdict == verdict


def test_clocks_apart_are_a_note(fs: OsFileSystem) -> None:
    seen = probing.stamps(fs, wall=lambda: 1000.0)
    judged = fitness.judge_stamps(seen.created_ahead, seen.written_ahead)
    assert judged.verdict == "note"
    assert "against it" in judged.what
    assert fitness.judge_stamps(0.0, 300.0).verdict == "note"
    assert fitness.judge_stamps(0.1, 0.1).verdict == "ok"


def test_modes_and_locks_are_notes(fs: OsFileSystem) -> None:
    assert probing.modes(fs, 0o600, 0o700) == probing.Modes((0o600, 0o600), (0o700, 0o700))
    assert fitness.judge_modes((0o600, 0o777), (0o700, 0o777)).verdict == "note"
    assert probing.locks_work(fs, 0o600)
    assert os.listdir(f"{fs.root}/sys/locks") == []
    assert fitness.judge_locks(work=False).verdict == "note"


def test_soft_nfs_mount_is_refused_unless_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Spool.create(tmp_path / "spool").close()
    monkeypatch.setattr(mounts, "mount_at", lambda _path: SOFT)
    for attempt in (lambda: Spool(tmp_path / "spool"), lambda: Spool.create(tmp_path / "new")):
        with pytest.raises(SpoolUnsafe, match="SPOOLQ_ALLOW_SOFT=1"):
            attempt()
    assert not (tmp_path / "new").exists()
    monkeypatch.setenv("SPOOLQ_ALLOW_SOFT", "1")
    Spool(tmp_path / "spool").close()


@pytest.mark.parametrize(
    ("options", "gives_up"), [("rw,hard", False), ("rw,soft", True), ("rw,softerr", True)]
)
def test_options_of_a_mount_are_read_from_the_mount_table(options: str, gives_up: bool) -> None:
    table = [
        "22 1 0:21 / / rw,relatime - ext4 /dev/vda rw\n",
        f"50 22 0:45 / /net\\040disk rw,nosuid - nfs4 server:/x\\040y {options},vers=4.2\n",
    ]
    found = mounts._mount_at("/net disk/spool", table)
    assert (found.point, found.type, found.source) == ("/net disk", "nfs4", "server:/x y")
    assert {"nosuid", "vers=4.2"} <= set(found.options)
    assert found.gives_up is gives_up
    assert not mounts._mount_at("/home", table).gives_up
