"""No spools, foreign names, file systems that refuse: one line each, nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.spools import assert_spool_sound, census, everything_under, names

from spoolq import Spool
from spoolq.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMANDS: list[tuple[str, ...]] = [
    ("put",),
    ("get",),
    ("done", "host-1-AAAAAAAA"),
    ("fail", "host-1-AAAAAAAA"),
    ("release", "host-1-AAAAAAAA"),
    ("extend", "host-1-AAAAAAAA"),
    ("status",),
    ("ls",),
    ("show", "5-20260101T000000000000-AAAAAAAA"),
    ("wait", "--all"),
    ("cancel", "5-20260101T000000000000-AAAAAAAA"),
    ("retry", "--failed"),
    ("pause",),
    ("resume",),
    ("reap",),
    ("prune",),
]
NAMES = [
    "../x",
    "/etc/passwd",
    "",
    ".",
    "a/b",
    "x" * 300,
    "5-20260101T000000000000-AAAAAAAA/../../../etc/passwd",
    "5-20260101T000000000000-aaaaaaaa",
    "a\nb",
    "\x1b[31mred\x07",
    "\udcff\udcfe",
    "5-20260101T000000000000-AAAAAAAA\n",
    "\u0665-20260101T000000000000-AAAAAAAA",
]


def by_name(words: tuple[str, ...]) -> str:
    """A test's name for a command line."""
    return words[0]


@pytest.mark.parametrize("words", COMMANDS, ids=by_name)
def test_no_spool_there(cli: Callable, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name in ("missing", "file", "empty", "file/below", "x" * 300):
        ran = cli(*words, "-s", str(tmp_path / name), stdin=b"")
        assert name in ran.bad(1)
        assert ran.out == ""
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "spool"]
    assert os.listdir(tmp_path / "empty") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"format": 99}', "newer"),
        (b"{", "not JSON"),
        (b"[]", "format"),
        (b"\xff\x00", "not JSON"),
        (b'{"format": 1, "lease_seconds": "soon"}', "lease_seconds"),
        (b'{"format": 1, "lease_seconds": NaN}', "lease_seconds"),
        (b'{"format": 1, "max_attempts": -1}', "max_attempts"),
    ],
)
def test_a_damaged_or_newer_spool_is_told_and_left_alone(
    cli: Callable, spool: Spool, content: bytes, said: str
) -> None:
    (Path(spool.path) / "spool.json").write_bytes(content)
    before = everything_under(spool.path)
    for words in COMMANDS:
        assert said in cli(*words, stdin=b"").bad(1)
    assert everything_under(spool.path) == before


LEASES = [name for name in NAMES if not name.endswith("aaaaaaaa")]  # that could be a lease


@pytest.mark.parametrize("name", LEASES, ids=ascii)
@pytest.mark.parametrize("verb", ["done", "fail", "release", "extend"])
def test_leases_that_are_not_ours(cli: Callable, spool: Spool, verb: str, name: str) -> None:
    before = everything_under(spool.path)
    assert "not a lease or a leased file: " in cli(verb, "--", name).bad(2)
    assert everything_under(spool.path) == before


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("verb", ["show", "wait", "cancel", "retry"])
def test_ids_that_are_not_ours(cli: Callable, spool: Spool, verb: str, name: str) -> None:
    before = everything_under(spool.path)
    assert "unknown job" in cli(verb, "--", name).bad(5)
    assert everything_under(spool.path) == before


@pytest.mark.parametrize("word", [b"\xff\xfe", b"\x1b]0;title\x07"], ids=["no text", "escape"])
@pytest.mark.parametrize(
    ("before", "status", "said"),
    [
        ([b"show", b""], 5, "unknown job '{}'"),
        ([b"done", b""], 2, "not a lease or a leased file: '{}'"),
        ([b"ls", b""], 2, "ls: argument STATE: '{}' is none of leased, ready,"),
        ([b""], 2, "unknown command '{}'"),
        ([b"put", b""], 1, "{}: No such file or directory"),
        ([b"status", b"-s", b""], 1, "/{}: no such directory"),
        ([b"get", b"--"], 2, "get: unrecognized arguments: --{}"),
    ],
)
def test_bytes_on_a_real_command_line(
    process: Callable, spool: Spool, before: list[bytes], status: int, said: str, word: bytes
) -> None:
    spool.publish(b"stays")
    untouched = everything_under(spool.path)
    told = process(*before[:-1], before[-1] + word).bad(status)
    shown = repr(word)[2:-1]
    assert said.format(shown) in told.replace("\\udc", "\\x")  # a repr shows such bytes its own way
    assert everything_under(spool.path) == untouched


def test_a_spool_whose_path_is_hostile_works_and_is_shown_harmless(
    cli: Callable, tmp_path: Path
) -> None:
    path = str(tmp_path / "a\x1b[31m b\n\udcff")
    assert "\\x1b[31m b\\n\\xff" in cli("init", path).good().err
    cli("put", "-s", path, stdin=b"x").good()
    ran = cli("status", "-s", path).good()
    assert ran.lines[0] == f"{tmp_path}/a\\x1b[31m b\\n\\xff"
    (found,) = cli("status", "-s", path, "--json").good().objects
    assert (found["path"], found["ready"]) == (path, 1)


@pytest.mark.parametrize("record", [b"", b"{", b"\x00" * 100_000, b'{"deadline": []}'])
def test_a_garbage_sidecar_stops_no_command(
    cli: Callable, taken: Callable, spool: Spool, record: bytes
) -> None:
    name = taken()
    job_id, _, lease = name.partition(".")[0], "", name.rpartition(".")[2]
    (Path(spool.path) / "leased" / f"{lease}.lease").write_bytes(record)
    for words in (("ls",), ("show", job_id), ("status",), ("ls", "--json"), ("reap",)):
        assert cli(*words).good().err == ""
    cli("done", name).good()


def mount(*words: str) -> None:
    """Call mount; skip the test where that is not allowed."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small or read-only file system takes root")
    ended = subprocess.run(["mount", *words], capture_output=True, check=False)
    if ended.returncode:
        pytest.skip(f"mount is not allowed here: {ended.stderr.decode().strip()}")


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB and 200 inodes, unless the test says otherwise."""
    place = tmp_path / "small"
    place.mkdir()
    room = getattr(request, "param", "size=1m,nr_inodes=200")
    mount("-t", "tmpfs", "-o", room, "none", str(place))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def read_only(spool: Spool, tmp_path: Path) -> Iterator[str]:
    """The spool once more, where nothing may be written; a job is ready, one leased, one failed."""
    spool.publish_many([b""] * 3)
    spool.get_job(0).fail("broken", retry=False)
    spool.get_job(0)
    place = tmp_path / "read-only"
    place.mkdir()
    mount("--bind", spool.path, str(place))
    try:
        mount("-o", "remount,bind,ro", str(place))
        yield str(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        *((words, "Read-only file system") for words in ("put", "put --key k", "get", "pause")),
        ("retry --failed", "Read-only file system"),
        ("init", "there is a spool already"),
    ],
)
def test_a_read_only_spool_refuses_changes_in_one_line(
    cli: Callable, read_only: str, command: str, why: str
) -> None:
    before = everything_under(read_only)
    ran = cli(*command.split(), "-s", read_only, stdin=b"")
    assert why in ran.bad(1)
    assert ran.out == ""
    assert everything_under(read_only) == before


def test_a_read_only_spool_can_be_looked_at(cli: Callable, read_only: str) -> None:
    listed = cli("ls", "-s", read_only).good()
    assert [line.split()[1] for line in listed.lines] == ["leased", "ready", "failed"]
    for line in listed.lines:
        cli("show", line.split()[0], "-s", read_only).good()
    (counts,) = cli("status", "--json", "-s", read_only).good().objects
    assert (counts["ready"], counts["leased"], counts["failed"]) == (1, 1, 1)
    waited = cli("wait", "--all", "--timeout", "0", "-s", read_only)
    assert "jobs that have not ended" in waited.bad(3)


@pytest.mark.parametrize("words", [(), ("--lines",), ("--header", "a=b"), ("--key", "k")])
def test_a_full_file_system_publishes_what_it_says_and_no_more(
    cli: Callable, small_disk: Path, words: tuple[str, ...]
) -> None:
    path = str(small_disk / "spool")
    Spool.create(path, durability="off").close()
    (small_disk / "filler").write_bytes(bytes(900_000))
    ran = cli("put", "-s", path, *words, stdin=bytes(400_000))
    assert "No space left on device" in ran.bad(1)
    assert ran.out == ""
    assert census(path)["ready"] == 0
    assert names(path, "sys/tmp") == []
    (small_disk / "filler").unlink()
    cli("put", "-s", path, *words, stdin=bytes(400_000)).good()
    assert census(path)["ready"] == 1


@pytest.mark.parametrize("small_disk", ["size=32m,nr_inodes=2500"], indirect=True)
def test_ids_printed_before_the_disk_was_full_are_the_tasks_there(
    cli: Callable, small_disk: Path
) -> None:
    path = str(small_disk / "spool")
    Spool.create(path, durability="off").close()
    ran = cli("put", "-s", path, "--lines", stdin=b"x\n" * 5000)
    assert "No space left on device" in ran.bad(1)
    assert 0 < len(ran.lines) < 5000
    assert sorted(ran.lines) == names(path, "ready")
    assert_spool_sound(path)


def test_a_full_file_system_still_lets_jobs_end(cli: Callable, small_disk: Path) -> None:
    path = str(small_disk / "spool")
    Spool.create(path, durability="off").close()
    cli("put", "-s", path, stdin=b"x").good()
    name = cli("get", "-s", path).good().out.strip()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(2_000_000))
    cli("done", "-s", path, name).good()
    assert census(path)["done"] == 1


def test_an_output_on_a_full_file_system_gives_the_job_back(
    cli: Callable, spool: Spool, small_disk: Path
) -> None:
    spool.publish(bytes(2_000_000))
    assert "No space left" in cli("get", "--output", str(small_disk / "task")).bad(1)
    assert os.listdir(small_disk) == []
    assert census(spool.path)["ready"] == 1


def as_nobody(act: Callable[[], int], out: Path) -> int:
    """Call `act` in a fork that is another user, its output in a file; what it returned."""
    child = os.fork()
    if not child:
        status = 99
        try:
            handle = os.open(out, os.O_WRONLY | os.O_CREAT, 0o666)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            status = act()
            sys.stdout.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_stranger_without_rights_is_told_so(spool: Spool, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user takes root")
    for place in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(place, stat.S_IMODE(os.stat(place).st_mode) | 0o011)
    for needed in ("options", "failures", "cmd_status"):  # who has no rights cannot import
        import_module(f"spoolq.cli.{needed}")
    status = as_nobody(lambda: main(["-s", spool.path, "status"]), tmp_path / "out")
    assert (tmp_path / "out").read_text() == f"spoolq: {spool.path}/spool.json: Permission denied\n"
    assert status == 1


def test_unknown_settings_of_a_newer_release_are_kept(cli: Callable, spool: Spool) -> None:
    path = Path(spool.path) / "spool.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    cli("put", stdin=b"").good()
    assert json.loads(path.read_text())["colour"] == "blue"
