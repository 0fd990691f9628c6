"""docs/benchmarks.md shows what docs/benchmarks/results.json says, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks import page

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_tables_are_those_of_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = json.loads((page.PLOTS / "results.json").read_text())
    before = page.PAGE.read_text(encoding="utf-8")
    copy = tmp_path / "benchmarks.md"
    copy.write_text(before, encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", copy)
    page.write_tables(results)
    assert copy.read_text(encoding="utf-8") == before


def test_the_plots_of_the_page_are_there() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    for name in ("throughput", "growth", "latency"):
        assert f"(benchmarks/{name}.svg)" in text
        assert (page.PLOTS / f"{name}.svg").stat().st_size > 1000
