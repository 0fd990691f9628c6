"""Making and opening spools: settings, what is in the way, who may write."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.spools import everything_under

from spoolq import (
    InvalidSetting,
    Spool,
    SpoolDamaged,
    SpoolExists,
    SpoolNotFound,
    SpoolqError,
    SpoolUntrusted,
    SpoolVersionUnsupported,
    StorageError,
)
from spoolq.disk.filesystem import OsFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable

NAN, INF = float("nan"), float("inf")
BAD_SETTINGS = [
    *[("lease_seconds", value) for value in (0, -1, NAN, INF, "60", True, None, [60])],
    *[("max_attempts", value) for value in (-1, 1.5, NAN, "3", True, None)],
    *[("durability", value) for value in ("FULL", "", None, 1, True)],
    *[("retention_seconds", value) for value in (-1, NAN, INF, "1d", True)],
    *[("retry_delay_seconds", value) for value in (-1, NAN, INF, "1", True)],
    *[("retry_delay_max_seconds", value) for value in (-1, NAN, INF, "1", True)],
    *[("max_task_bytes", value) for value in (-1, 0, 1.5, NAN, "64M", True)],
]


@pytest.mark.parametrize(
    ("name", "value"), [*BAD_SETTINGS, ("no_such_setting", 1), ("leaseseconds", 60)]
)
def test_setting_that_makes_no_sense_is_refused_and_nothing_is_made(
    tmp_path: Path, name: str, value: Any
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Spool.create(tmp_path / "spool", **{name: value})
    assert caught.value.name == name
    assert name in str(caught.value)
    assert not (tmp_path / "spool").exists()


def test_settings_are_those_of_the_spool_for_everybody(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    spool = make_spool(lease_seconds=7, max_attempts=3, retention_seconds=5)
    for one in (spool, open_again(spool)):
        assert (one.settings.lease_seconds, one.settings.max_attempts) == (7, 3)
        assert one.settings.retention_seconds == 5


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    with Spool.create(tmp_path / "spool") as spool:
        settings = spool.settings
    assert (settings.lease_seconds, settings.max_attempts) == (60.0, 0)
    assert (settings.durability, settings.retention_seconds) == ("full", 86400)
    assert (settings.retry_delay_seconds, settings.retry_delay_max_seconds) == (1.0, 300.0)
    assert settings.max_task_bytes == 64 << 20


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS)
def test_spool_json_edited_to_nonsense_is_refused_clearly(
    spool: Spool, name: str, value: Any
) -> None:
    place = Path(spool.path) / "spool.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {name: value}))
    with pytest.raises(SpoolqError, match=name):
        Spool(spool.path)


def test_unknown_keys_of_spool_json_are_kept(
    spool: Spool, open_again: Callable[..., Spool]
) -> None:
    place = Path(spool.path) / "spool.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"from the future": [1]}))
    again = open_again(spool)
    again.publish(b"task")
    again.get_job(timeout=0).done()
    assert json.loads(place.read_text())["from the future"] == [1]


def test_spool_of_a_newer_format_is_refused(spool: Spool) -> None:
    place = Path(spool.path) / "spool.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"format": 99}))
    before = everything_under(spool.path)
    with pytest.raises(SpoolVersionUnsupported, match="99"):
        Spool(spool.path)
    assert everything_under(spool.path) == before


@pytest.mark.timeout(20)
@pytest.mark.parametrize("damage", ["garbage", "list", "empty", "no-format", "fifo", "enormous"])
def test_spool_json_that_is_none_is_damage(spool: Spool, damage: str) -> None:
    place = Path(spool.path) / "spool.json"
    place.unlink()
    if damage == "fifo":
        os.mkfifo(place)
    else:
        texts = {"garbage": b"\xff{", "list": b"[]", "empty": b"", "no-format": b"{}"}
        place.write_bytes(texts.get(damage, b""))
        if damage == "enormous":
            os.truncate(place, 1 << 30)
    with pytest.raises(SpoolDamaged) as caught:
        Spool(spool.path)
    assert "spool.json" in str(caught.value)


def test_no_spool_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "nothing", tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SpoolNotFound) as caught:
            Spool(place)
        assert isinstance(caught.value, FileNotFoundError)
        assert str(place) in str(caught.value)


def test_create_where_something_is_changes_nothing(tmp_path: Path, spool: Spool) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_bytes(b"mine")
    spool.publish(b"task")
    before = everything_under(tmp_path)
    for place in (spool.path, tmp_path / "file", full):
        with pytest.raises(SpoolExists) as caught:
            Spool.create(place)
        assert isinstance(caught.value, FileExistsError)
    assert everything_under(tmp_path) == before


def test_create_in_an_empty_directory_but_not_below_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    Spool.create(tmp_path / "empty", lease_seconds=7).close()
    with Spool(tmp_path / "empty") as opened:
        assert opened.settings.lease_seconds == 7
    with pytest.raises(StorageError, match="missing/below"):
        Spool.create(tmp_path / "missing" / "below")
    assert os.listdir(tmp_path) == ["empty"]


def test_path_may_be_text_path_or_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Spool.create("relative") as spool:
        assert spool.path == str(tmp_path / "relative")
        monkeypatch.chdir("/")
        spool.publish(b"still here")
    with Spool(tmp_path / "relative") as again, Spool(str(tmp_path / "relative")) as third:
        assert again.path == third.path
        assert again.stats().ready == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("durability", ["off", "publish", "full"])
def test_settings_are_on_the_disk_when_init_returns_whatever_the_durability(
    tmp_path: Path, durability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = OsFileSystem.sync

    def sync(self: OsFileSystem, handle: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        real(self, handle)

    monkeypatch.setattr(OsFileSystem, "sync", sync)
    Spool.create(tmp_path / "spool", durability=durability).close()
    assert [name for name in synced if name.endswith(".record")], "a torn spool.json is no spool"


def test_private_spool_is_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with Spool.create(tmp_path / "spool", durability="off") as spool:
            spool.publish(b"task", key="k", headers={"a": "b"})
            spool.get_job(timeout=0).done(b"result")
            spool.publish(b"task")
            spool.get_job(timeout=0)
    finally:
        os.umask(old)
    for place, folders, files in os.walk(tmp_path / "spool"):
        for name in (*folders, *files, "."):
            mode = stat.S_IMODE(os.lstat(os.path.join(place, name)).st_mode)
            assert mode & 0o077 == 0, f"{place}/{name} has mode {mode:o}"


def test_group_spool_is_shared_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        with Spool.create(tmp_path / "spool", group=True, durability="off") as spool:
            spool.publish(b"task", key="k", headers={"a": "b"})
            spool.get_job(timeout=0).done(b"result")
            spool.publish(b"task")
            spool.get_job(timeout=0)
    finally:
        os.umask(old)
    for place, folders, files in os.walk(tmp_path / "spool"):
        for name in folders:
            mode = stat.S_IMODE(os.lstat(os.path.join(place, name)).st_mode)
            assert mode == 0o2770, f"{place}/{name} has mode {mode:o}"
        for name in files:
            mode = stat.S_IMODE(os.lstat(os.path.join(place, name)).st_mode)
            assert mode == 0o660, f"{place}/{name} has mode {mode:o}"


def test_spool_that_everybody_may_write_to_is_refused_unless_allowed(
    make_spool: Callable[..., Spool], open_again: Callable[..., Spool]
) -> None:
    spool = make_spool()
    os.chmod(spool.path, 0o777)
    with pytest.raises(SpoolUntrusted, match="everybody may write here"):
        Spool(spool.path)
    place = Path(spool.path) / "spool.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"allow_others": True}))
    assert open_again(spool).publish(b"task") in os.listdir(f"{spool.path}/ready")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to a stranger")
def test_spool_of_a_stranger_is_refused_to_an_ordinary_user(make_spool: Callable) -> None:
    path = make_spool().path
    os.chown(path, 4711, 4711)  # one ordinary user's, and not that of the child
    os.chmod(path, 0o755)
    os.chmod(f"{path}/spool.json", 0o644)
    for place in list(Path(path).parents)[:3]:  # pytest's own, which others may not enter
        os.chmod(place, stat.S_IMODE(os.stat(place).st_mode) | 0o011)
    pid = os.fork()
    if pid == 0:
        said = ""
        try:
            os.setegid(65534)
            os.seteuid(65534)
            Spool(path)
        except SpoolUntrusted as error:
            said = str(error)
        finally:
            os._exit(0 if "owned by another user (uid 4711)" in said else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_missing_state_directory_is_told_not_guessed(spool: Spool) -> None:
    (Path(spool.path) / "ready").rmdir()
    with pytest.raises(SpoolqError) as caught:
        spool.publish(b"task")
    assert "ready" in str(caught.value)
    assert not os.path.exists(f"{spool.path}/ready")
