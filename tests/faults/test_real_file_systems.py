"""Power cuts on real ext4, xfs and btrfs: what reached the image under load is mounted and judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import tally
from support.power_cuts import CUTS, NO_SYNC, assert_whole, payload
from support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("ext4", "xfs", "btrfs")
# A process namespace too, so that with the one that we start all others, and the mounts, are gone.
PRIVATE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PRIVATE, sys.executable, "-m", "support.power_cuts", *map(str, words)],
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name: str = request.param
    if os.geteuid() != 0:
        pytest.skip("only root may mount images")
    for program in (f"mkfs.{name}", "unshare"):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            pytest.skip(f"{program} is missing")
    tried = run("try", name, tmp_path)
    if tried.returncode:
        pytest.skip(f"no {name} image can be mounted here: {tried.stderr.strip()[-200:]}")
    return name


@pytest.mark.guarantee("I3")
@pytest.mark.guarantee("I4")
@pytest.mark.guarantee("I6")
@pytest.mark.parametrize("durability", ["full", "publish", "off"])
def test_power_cut_keeps_what_the_durability_promises(
    tmp_path: Path, kind: str, durability: str
) -> None:
    ran = run("cut", kind, durability, tmp_path)
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert figures["cuts"] == CUTS
    assert figures["published"] > 0
    assert figures["ended"] > 0
    assert durability == "off" or figures["given out"] > 0
    tally.fault(f"power cuts of a real {kind}", figures["cuts"])


def test_the_judge_finds_out_who_does_not_sync(tmp_path: Path, kind: str) -> None:
    ran = run("cut", kind, "full", tmp_path, **{NO_SYNC: "yes"})
    assert ran.returncode == 1
    assert "I3: lost" in ran.stderr or "I4: " in ran.stderr or "I6: " in ran.stderr, ran.stderr


@pytest.mark.parametrize(
    ("task", "number", "durability"),
    [
        (payload(5)[:-1], 5, "full"),
        (b"", 5, "publish"),
        (payload(5), 6, "full"),
        (payload(5)[:20] + bytes(40), None, "publish"),
        (b"7:something else", None, "off"),
    ],
)
def test_a_task_that_is_not_what_was_published_shows(
    task: bytes, number: int | None, durability: str
) -> None:
    with pytest.raises(AssertionError, match="I6"):
        assert_whole(task, number, durability)


@pytest.mark.parametrize("task", [b"", payload(5)[:9], payload(5)[:9] + bytes(9), bytes(30)])
def test_durability_off_allows_a_task_cut_off(task: bytes) -> None:
    assert_whole(task, None, "off")
