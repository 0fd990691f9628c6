"""`spoolq init`."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from spoolq import Spool
from spoolq.cli.main import table_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_spool_is_made_and_the_message_is_no_output(cli: Callable, tmp_path: Path) -> None:
    ran = cli("init", str(tmp_path / "new")).good()
    assert ran.out == ""
    assert ran.err == f"spoolq: made a spool in {tmp_path}/new\n"
    assert Spool(tmp_path / "new").settings.lease_seconds == 60


def test_every_setting_reaches_spool_json(cli: Callable, tmp_path: Path) -> None:
    cli(
        *("init", "-s", str(tmp_path / "new"), "--lease-seconds", "10m", "--max-attempts", "5"),
        *("--durability", "publish", "--retention", "7d", "--retry-delay", "500ms"),
        *("--retry-delay-max", "1h", "--max-task-bytes", "2M", "--group"),
        *("--retention-jobs", "1000", "--retention-bytes", "3M", "--max-waiting", "50"),
        *("--max-bytes", "4k"),
    ).good()
    found = json.loads((tmp_path / "new/spool.json").read_text())
    wanted = {
        "lease_seconds": 600,
        "max_attempts": 5,
        "durability": "publish",
        "retention_seconds": 7 * 86400,
        "retry_delay_seconds": 0.5,
        "retry_delay_max_seconds": 3600,
        "max_task_bytes": 2 * 1024 * 1024,
        "retention_jobs": 1000,
        "retention_bytes": 3 * 1024 * 1024,
        "max_waiting": 50,
        "max_bytes": 4096,
        "group": True,
    }
    assert wanted.items() <= found.items()
    options = {entry.dest for entry in table_of("init")[1].entries if not entry.is_operand}
    assert len(wanted) == len(options - {"spool", "json", "exist_ok"})
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o2770


def test_a_private_spool_is_private(cli: Callable, tmp_path: Path) -> None:
    cli("init", str(tmp_path / "new")).good()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_spool_that_is_there_is_an_error_unless_that_is_ok(cli: Callable, spool: Spool) -> None:
    job_id = spool.publish(b"kept")
    assert "there is a spool already" in cli("init").bad(1)
    ran = cli("init", "--exist-ok", "--json").good()
    assert ran.objects == [{"path": spool.path, "created": False}]
    assert spool.get(job_id).status.name == "READY"


def test_json_tells_the_path_and_that_it_is_new(cli: Callable, tmp_path: Path) -> None:
    ran = cli("init", "--json", str(tmp_path / "new")).good()
    assert ran.objects == [{"path": f"{tmp_path}/new", "created": True}]


@pytest.mark.parametrize("exist_ok", [(), ("--exist-ok",)])
def test_something_else_in_the_way_stays_as_it_is(
    cli: Callable, tmp_path: Path, exist_ok: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_bytes(b"mine too")
    for name, why in (("file", "not a directory"), ("full", "not empty, and not a spool")):
        said = cli("init", str(tmp_path / name), *exist_ok).bad(1)
        assert said.startswith(f"spoolq: {tmp_path}/{name}: ")
        assert why in said
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_a_file_called_as_one_of_the_directories_is_in_the_way(
    cli: Callable, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/ready").write_bytes(b"mine")
    assert "'ready'" in cli("init", str(tmp_path / "a")).bad(1)
    assert (tmp_path / "a/ready").read_bytes() == b"mine"
    assert not (tmp_path / "a/spool.json").exists()


def test_the_directory_is_named_once(cli: Callable, tmp_path: Path) -> None:
    assert "once" in cli("init", "-s", str(tmp_path / "a"), str(tmp_path / "b")).bad(2)
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (("--lease-seconds", "0"), "lease_seconds=0.0: expected a number of seconds above 0"),
        (("--lease-seconds", "-1"), "argument --lease-seconds: '-1' is no duration"),
        (("--lease-seconds", "nan"), "argument --lease-seconds: 'nan' is no duration"),
        (("--lease-seconds", "99999999w"), "lease_seconds=60479999395200.0: expected"),
        (("--max-attempts", "-1"), "argument --max-attempts: '-1' is no whole number"),
        (("--max-attempts", "many"), "argument --max-attempts: 'many' is no whole number"),
        (("--durability", "some"), "argument --durability: invalid choice: 'some'"),
        (("--max-task-bytes", "0"), "max_task_bytes=0: expected a whole number from 1"),
        (("--max-task-bytes", "big"), "argument --max-task-bytes: 'big' is no size"),
        (("--retry-delay", "10s", "--retry-delay-max", "1s"), "at least retry_delay_seconds"),
    ],
)
def test_a_setting_that_makes_no_sense_makes_nothing(
    cli: Callable, tmp_path: Path, setting: tuple[str, ...], why: str
) -> None:
    assert why in cli("init", str(tmp_path / "new"), *setting).bad(2)
    assert not (tmp_path / "new").exists()


def test_no_parent_directory_is_an_error_with_the_path(cli: Callable, tmp_path: Path) -> None:
    assert str(tmp_path / "no") in cli("init", str(tmp_path / "no/where")).bad(1)
