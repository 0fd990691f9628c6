"""docs/benchmarks.md shows what docs/benchmarks/results.json says, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import page, plots
from tests.benchmarks.bars import BARS, Found
from tests.benchmarks.results import Results, read
from tests.nfs import budgets

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def figure(scenario: str, subject: str = "spoolq", **values: Any) -> dict[str, Any]:
    known = {"run": "r", "durability": "off", "median": 1.0, "low": 1.0, "high": 1.0, "unit": "us"}
    told = {"ratio": None, "cpu": None, "note": "", "counts": {}}
    return {**known, **told, "scenario": scenario, "subject": subject, **values}


def rows(*figures: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The table of bars: what -> aim, found, held."""
    found = Found(figures)
    return {bar.what: bar.row(found)[1:] for bar in BARS}


def test_the_tables_are_those_of_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page.PAGE.read_text(encoding="utf-8")
    copy = tmp_path / "benchmarks.md"
    copy.write_text(before, encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", copy)
    page.write_tables(read())
    assert copy.read_text(encoding="utf-8") == before


def test_the_plots_of_the_page_are_there_and_small() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    for name in ("throughput", "growth", "latency"):
        assert f"(benchmarks/{name}.svg)" in text
        assert 1000 < (plots.PLOTS / f"{name}.svg").stat().st_size < 100_000


def test_tables_of_a_run_that_has_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "benchmarks.md"
    copy.write_text(page.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", copy)
    results = Results(["publish"], kept=False, file=tmp_path / "results.json")
    told = [figure("publish", ratio=1.1), figure("not measured", "huey (off): no room")]
    results.add("publish", 60.0, told, "xfs")
    results.save()
    page.write_tables(read(tmp_path / "results.json"))
    text = copy.read_text(encoding="utf-8")
    assert "Not measured: huey (off): no room." in text
    assert "| publish, off | <= 1.2 x floor | 1.1 x floor | yes |" in text
    assert text.count("| not measured | ? |") == len(BARS) - 1


def test_a_bar_that_is_held_and_one_that_is_missed() -> None:
    told = rows(figure("publish", ratio=1.2), figure("publish", durability="full", ratio=1.151))
    assert told["publish, off"] == ("<= 1.2 x floor", "1.2 x floor", "yes")
    assert told["publish, full"] == ("<= 1.15 x floor", "**1.15 x floor**", "**no**")


def test_a_bar_without_its_figure_is_not_measured() -> None:
    for aim, found, held in rows().values():
        assert (found, held) == ("not measured", "?"), aim
    no_ratio = rows(figure("publish"), figure("4 consumers", counts={"twice": 0}))
    assert no_ratio["publish, off"][1:] == ("not measured", "?")
    assert no_ratio["4 consumers: given twice, or never"][1:] == ("not measured", "?")


def test_bars_that_compare_two_figures_and_that_count() -> None:
    told = rows(
        figure("publish_many", "spoolq, single", durability="full", median=900.0),
        figure("publish_many", "spoolq, of 100", durability="full", median=101.0),
        figure("get_job + done", "1000 waiting", median=50.0),
        figure("get_job + done", "1000000 waiting", median=70.0),
        figure("4 consumers", ratio=0.7, counts={"twice": 0, "never": 1, "lost_renames": 0.05}),
    )
    assert told["publish_many(100), full, tasks a second"][2] == "**no**"
    assert told["claim + done with 1,000,000 waiting"][1:] == ("1.4 x with 1,000", "yes")
    assert told["claim + done with 100,000 waiting"][2] == "?"
    assert told["4 consumers: lost renames"][1:] == ("0.05 a task", "yes")
    assert told["4 consumers: given twice, or never"][1:] == ("**1 tasks**", "**no**")
    assert told["4 consumers: tasks a second"] == (">= 0.75 x floor", "**0.7 x floor**", "**no**")


def test_a_run_replaces_its_figures_and_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    first = Results(["a", "b"], kept=False, file=file)
    first.add("a", 1.0, [{"scenario": "of a"}], "ext4")
    first.add("b", 1.0, [{"scenario": "of b"}], "ext4")
    first.save()
    again = Results(["b"], kept=True, file=file)
    again.add("b", 2.0, [{"scenario": "of b anew"}], "xfs")
    again.save()
    told = read(file)
    assert [one["scenario"] for one in told["figures"]] == ["of a", "of b anew"]
    assert {name: run["filesystem"] for name, run in told["runs"].items()} == {
        "a": "ext4",
        "b": "xfs",
    }
    assert [one.name for one in tmp_path.iterdir()] == ["results.json"]


def test_requests_over_nfs_are_told_alike_everywhere() -> None:
    text = (DOCS / "filesystems.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \| \d+ \|", text, re.MULTILINE))
    told = {move: int(table[move]) for move in ("publish", "claim", "renew", "done")}
    assert told == {move: budgets.MOVES[move] for move in told}
    batch = budgets.BATCH
    further = budgets.MOVES[f"claim of {batch}"] // batch
    assert int(table["each further job of a batch"]) == further
