"""spoolq doctor: each kind of finding is found, explained in a line, and left as it is."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from spoolq import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Ran

AN_ID = "5-20261123T000000000000-ABCDEFGH"


@pytest.fixture
def doctor(cli: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run the doctor on a spool."""
    return lambda path, *words: cli("-s", str(path), "doctor", *words)


def tree(path: Path) -> dict[str, tuple[int, int, float]]:
    found = {}
    for directory, inner, files in os.walk(path):
        for name in inner + files:
            entry = os.lstat(os.path.join(directory, name))
            if name != "tmp":  # the clock is asked by a scratch file that is gone again
                found[os.path.join(directory, name)] = (
                    entry.st_mode,
                    entry.st_size,
                    entry.st_mtime,
                )
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    spool = Spool.create(tmp_path / "examined", lease_seconds=30, durability="off")
    spool.publish(b"one")
    spool.publish(b"two", key="k", headers={"a": "b"})
    spool.publish(b"three", delay=60)
    spool.get_job(0).done(b"result")
    spool.get_job(0).fail("broken", retry=False)
    spool.publish(b"four")
    spool.get_job(0)
    return tmp_path / "examined"


def test_sound_spool_in_use_has_no_findings(doctor: Callable[..., Ran], path: Path) -> None:
    ended = doctor(path)
    assert ended.status == 0, ended.out
    assert "nothing found" in ended.out
    assert "file system:" in ended.out


def plant_fifo(path: Path) -> str:
    os.mkfifo(path / "ready" / "pipe")
    return "ready/pipe"


def plant_link(path: Path) -> str:
    (path / "done" / AN_ID).symlink_to("/etc/passwd")
    return f"done/{AN_ID}"


def plant_hostile_name(path: Path) -> str:
    (path / "leased" / "a\n\x1b[31mb").touch()
    return "leased/a\\n\\x1b[31mb"


def plant_hard_link(path: Path) -> str:
    os.link(path / "spool.json", path / "ready" / AN_ID)
    return f"ready/{AN_ID}: a file of 2 names"


def plant_nfs_leftover(path: Path) -> str:
    (path / "ready" / ".nfs0001").touch()
    return "ready/.nfs0001"


def plant_garbage_sidecar(path: Path) -> str:
    sidecar = next((path / "leased").glob("*.lease"))
    sidecar.write_bytes(b"{")
    return f"leased/{sidecar.name}: a sidecar that is missing or cannot be read"


def plant_missing_sidecar(path: Path) -> str:
    sidecar = next((path / "leased").glob("*.lease"))
    sidecar.unlink()
    return f"leased/{sidecar.name}: a sidecar that is missing or cannot be read"


def plant_orphan_end(path: Path) -> str:
    (path / "done" / f"{AN_ID}.end").write_text("{}")
    os.chmod(path / "done" / f"{AN_ID}.end", 0o600)
    return f"done/{AN_ID}.end: a record of a job that is not there"


def plant_lost_meta(path: Path) -> str:
    meta = next((path / "sys" / "meta").iterdir())
    meta.unlink()
    return f"sys/meta/{meta.name}: missing"


def plant_key_to_nowhere(path: Path) -> str:
    (path / "sys" / "keys" / "lost").mkdir()
    (path / "sys" / "keys" / "lost" / AN_ID).touch()
    return "sys/keys/lost: leads to no job"


def plant_open_mode(path: Path) -> str:
    os.chmod(path / "ready", 0o777)
    return "ready: everybody may write here"


def plant_missing_directory(path: Path) -> str:
    (path / "sys" / "workers").rmdir()
    return "sys/workers: missing"


def plant_double(path: Path) -> str:
    leased = next(name for name in os.listdir(path / "leased") if not name.endswith(".lease"))
    job_id = leased.split(".")[0]
    (path / "done" / job_id).touch(0o600)
    return f"done/{job_id}: the same job as leased/{leased}"


def plant_old_leftover(path: Path) -> str:
    (path / "sys" / "tmp" / "host-1-ABCDEFGHIJ.task").touch(0o600)
    os.utime(path / "sys" / "tmp" / "host-1-ABCDEFGHIJ.task", (0, 0))
    return "sys/tmp/host-1-ABCDEFGHIJ.task: left by a dead process"


def plant_file_for_a_directory(path: Path) -> str:
    (path / "sys" / "workers").rmdir()
    (path / "sys" / "workers").touch()
    return "sys/workers: a file, not a directory"


def plant_wrong_mode_of_a_directory(path: Path) -> str:
    os.chmod(path / "ready", 0o755)
    return "ready: mode 755, not 700"


def plant_wrong_mode_of_a_task(path: Path) -> str:
    (task,) = (path / "delayed").iterdir()
    os.chmod(task, 0o644)
    return f"delayed/{task.name}: mode 644, not 600"


def plant_directory_named_like_a_job(path: Path) -> str:
    (path / "ready" / AN_ID).mkdir()
    return f"ready/{AN_ID}: a directory named like a job"


def plant_file_in_place_of_a_key(path: Path) -> str:
    (path / "sys" / "keys" / "taken").touch()
    return "sys/keys/taken: a file in place of a key"


def plant_task_over_the_limit(path: Path) -> str:
    (task,) = (path / "delayed").iterdir()
    os.truncate(task, (64 << 20) + 1)
    return f"delayed/{task.name}: {(64 << 20) + 1} bytes, over max_task_bytes"


def plant_options_of_nobody(path: Path) -> str:
    (path / "sys" / "meta" / f"{AN_ID}QQ").touch(0o600)
    return f"sys/meta/{AN_ID}QQ: options of a job that is not there"


def plant_history_of_nobody(path: Path) -> str:
    name = f"{AN_ID}.20261123T000000000000.ABCDEFGH"
    (path / "sys" / "history" / name).touch(0o600)
    return f"sys/history/{name}: history of a job that is not there"


def long_ago(path: Path, lease: str) -> None:
    """Let the sidecar of the leased job tell of another lease, or of itself, long ago."""
    (sidecar,) = (path / "leased").glob("*.lease")
    told = json.loads(sidecar.read_text()) | {"lease": lease, "lease_seconds": 60}
    told |= {"granted_at": "2026-01-01T00:00:00Z", "deadline": "2026-01-01T00:01:00Z"}
    with open(path / "leased" / f"{lease}.lease", "w", opener=private) as file:
        file.write(json.dumps(told))


def private(name: str, flags: int) -> int:
    """Open a file that is its owner's alone."""
    return os.open(name, flags, 0o600)


def plant_lease_long_past(path: Path) -> str:
    (task,) = (name for name in os.listdir(path / "leased") if not name.endswith(".lease"))
    long_ago(path, task.rpartition(".")[2])
    return f"leased/{task}: its lease ended "


def plant_sidecar_without_tasks(path: Path) -> str:
    long_ago(path, "host-1-ABCDEFGHIJ")
    return "leased/host-1-ABCDEFGHIJ.lease: a sidecar whose tasks are gone"


def plant_garbage_sidecar_without_tasks(path: Path) -> str:
    (path / "leased" / "host-1-ABCDEFGHIJ.lease").touch(0o600)
    os.utime(path / "leased" / "host-1-ABCDEFGHIJ.lease", (0, 0))
    return "leased/host-1-ABCDEFGHIJ.lease: a sidecar that cannot be read, and covers no task"


PLANTS = [value for name, value in list(globals().items()) if name.startswith("plant_")]


@pytest.mark.guarantee("I8")
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_each_kind_of_finding_is_told_in_a_line_and_left_alone(
    doctor: Callable[..., Ran], path: Path, plant: object
) -> None:
    expected = plant(path)  # type: ignore[operator]
    before = tree(path)
    ended = doctor(path)
    assert ended.status == 1, ended.out + ended.err
    assert any(line.startswith(expected) for line in ended.lines), ended.out
    assert "nothing found" not in ended.out
    assert ended.err == ""
    assert tree(path) == before


def test_what_is_as_it_should_be_for_a_while_is_no_finding(
    doctor: Callable[..., Ran], path: Path
) -> None:
    """A lease that ended just now, a file that is being written, a lock of other hands' mode."""
    (sidecar,) = (path / "leased").glob("*.lease")
    ended = datetime.fromtimestamp(sidecar.stat().st_mtime, UTC) - timedelta(seconds=10)
    granted = ended - timedelta(seconds=30)
    told = json.loads(sidecar.read_text()) | {"granted_at": iso(granted), "deadline": iso(ended)}
    sidecar.write_text(json.dumps(told))
    leftover = path / "sys" / "tmp" / "host-1-ABCDEFGHIJ.task"
    leftover.touch(0o600)
    written = leftover.stat().st_mtime - 1.5 * 3600  # sweep_seconds are an hour
    os.utime(leftover, (written, written))
    (path / "sys" / "locks" / "reap").touch()
    os.chmod(path / "sys" / "locks" / "reap", 0o664)
    found = doctor(path)
    assert (found.status, found.lines[-1]) == (0, "nothing found"), found.out


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_json_is_one_object_a_finding(doctor: Callable[..., Ran], path: Path) -> None:
    plant_fifo(path)
    plant_hostile_name(path)
    ended = doctor(path, "--json")
    found = ended.objects
    assert ended.status == 1
    assert {each["path"] for each in found} == {"ready/pipe", "leased/a\n\x1b[31mb"}
    assert all(each["what"] and each["advice"] for each in found)


def test_no_spool_is_an_error_in_one_line(doctor: Callable[..., Ran], tmp_path: Path) -> None:
    ran = doctor(tmp_path)
    assert "no spool here" in ran.bad(1)
    assert ran.out == ""
