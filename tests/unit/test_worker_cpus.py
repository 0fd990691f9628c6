"""How many CPUs may be used, from made-up control groups."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from spoolq.worker.cpus import usable_cpus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("own_groups", "files", "cpus"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "200000 100000\n"}, 2),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 2),
        ("0::/a/b\n", {"a/b/cpu.max": "300000 100000", "a/cpu.max": "100000 100000"}, 1),
        ("0::/a\n", {"a/cpu.max": "1000 100000\n"}, 1),
        ("0::/a\n", {"a/cpu.max": "9900000 100000\n"}, 8),
        ("0::/of/the/host\n", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/\n", {}, 8),
        ("0::/a\n", {"a/cpu.max": "garbage\n"}, 8),
        ("0::/a\n", {"a/cpu.max": ""}, 8),
        ("0::/a\n", {"a/cpu.max": "100000 0"}, 8),
        ("0::/../../a\n", {"a/cpu.max": "300000 100000"}, 3),
        (
            "4:cpu,cpuacct:/j\n0::/\n",
            {"cpu/j/cpu.cfs_quota_us": "250000\n", "cpu/j/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        (
            "4:cpuacct,cpu:/j\n",
            {
                "cpu,cpuacct/j/cpu.cfs_quota_us": "-1\n",
                "cpu,cpuacct/j/cpu.cfs_period_us": "100000\n",
                "cpu,cpuacct/cpu.cfs_quota_us": "500000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            5,
        ),
        ("1:cpu:/j\n0::/u\n", {"unified/u/cpu.max": "600000 100000\n"}, 6),
    ],
)
def test_the_tightest_of_affinity_and_quotas_counts(
    tmp_path: Path, own_groups: str, files: dict[str, str], cpus: int
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(own_groups)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert usable_cpus(root=str(tmp_path)) == cpus


def test_without_control_groups_affinity_counts(tmp_path: Path) -> None:
    assert usable_cpus(root=str(tmp_path)) == 8
