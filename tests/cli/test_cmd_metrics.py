"""`spoolq metrics`: read back by the ecosystem's own parsers; counters that only grow."""

from __future__ import annotations

import json
import re
import shutil
import socket
import stat
import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command_line import command
from support.crew import heartbeat
from support.processes import environment
from support.waits import eventually

from spoolq.queue import internals

pytest.importorskip("prometheus_client", reason="the extra [metrics] is not installed")

from prometheus_client.parser import text_string_to_metric_families

from spoolq.metrics import collecting, remembering, tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"


def parsed(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values but the spool's in the order of their names) -> value."""
    return {
        (sample.name, *(v for k, v in sorted(sample.labels.items()) if k != "spool")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def journalled(make_spool: Callable, monkeypatch: pytest.MonkeyPatch) -> Spool:
    """A spool that keeps a journal, as spools do; the one that `cli` uses."""
    spool: Spool = make_spool("journalled", journal_seconds=3600)
    monkeypatch.setenv("SPOOLQ_DIR", spool.path)
    return spool


def work_off(spool: Spool, *, done: int, failed: int = 0) -> None:
    """End so many jobs, and see that the journal is written."""
    spool.publish_many([b""] * (done + failed))
    for _ in range(done):
        spool.get_job(0).done()
    for _ in range(failed):
        spool.get_job(0).fail("x", retry=False)
    journal = internals(spool).journal
    assert journal is not None
    journal.write()


def test_gauges_of_every_kind(cli: Callable, spool: Spool) -> None:
    spool.publish_many([b""] * 3)
    spool.get_job(0)
    spool.pause()
    heartbeat(spool, running=[{"id": "x"}], running_count=3)
    heartbeat(spool, "beta-7-ABCDEFGH22", ago=900)
    found = parsed(cli("metrics").good().out)
    assert found["spoolq_up",] == 1
    assert found["spoolq_jobs", "ready"] == 2
    assert found["spoolq_jobs", "leased"] == found["spoolq_leases",] == 1
    assert 0 <= found["spoolq_oldest_ready_age_seconds",] < 60
    assert found["spoolq_paused",] == 1
    assert found["spoolq_workers", "alive"] == found["spoolq_workers", "gone"] == 1
    assert found["spoolq_worker_slots", "alpha"] == 4
    assert found["spoolq_worker_busy_slots", "alpha"] == 3
    assert found["spoolq_needs_a_look", "warning", "lost workers"] == 1
    assert found["spoolq_filesystem_free_bytes",] > 0
    assert not [name for name in found if name[0].endswith("_total")]


def test_names_keep_to_the_conventions(cli: Callable, journalled: Spool, tmp_path: Path) -> None:
    work_off(journalled, done=2)
    cli("metrics", "--output", str(tmp_path / "a.prom")).good()
    text = (tmp_path / "a.prom").read_text()
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"spoolq(_[a-z]+)*", family.name)
        assert family.documentation.endswith(".")
        for sample in family.samples:
            assert sample.labels["spool"] == journalled.path
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; .ci/run installs it where it can")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_counters_go_on_from_the_file_that_was_written_last(
    cli: Callable, journalled: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "LATE_SECONDS", 0.0)
    monkeypatch.setattr(collecting, "LATE_SECONDS", 0.0)
    file = tmp_path / "spoolq.prom"
    work_off(journalled, done=1)
    cli("metrics", "--output", str(file)).good()
    before = parsed(file.read_text())
    assert before["spoolq_attempts_total", "done"] in {0, 1}  # from when it began to count
    work_off(journalled, done=3, failed=2)
    cli("metrics", "--output", str(file)).good()
    cli("metrics", "--output", str(file)).good()
    after = parsed(file.read_text())
    grown = {name: after[name] - before[name] for name in before if name[0].endswith("_total")}
    assert grown["spoolq_attempts_total", "done"] == 3
    assert grown["spoolq_attempts_total", "gave_up"] == 2
    count = "spoolq_attempt_duration_seconds_count"
    assert after[count, "done"] == after["spoolq_attempts_total", "done"]
    assert after["spoolq_attempt_duration_seconds_bucket", "+Inf", "gave_up"] == 2
    assert after["spoolq_wait_duration_seconds_count",] == sum(
        after["spoolq_attempts_total", outcome] for outcome in ("done", "gave_up")
    )
    # Nothing is written into the journal's place, and nothing is left beside the file.
    assert [path.name for path in tmp_path.glob(".spoolq*")] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_tally_reads_back_as_it_was(tmp_path: Path, journalled: Spool) -> None:
    work_off(journalled, done=4, failed=1)
    inside = internals(journalled)
    collector = collecting.Collector(inside, "1", tally.Tally(inside.clock.now() - 3600))
    collector.tally.count([], 0.0)
    collector.tally.durations["done"].observe(0.05)
    collector.tally.durations["done"].observe(1e9)
    collector.tally.waits.observe(3.0)
    remembering.write_whole(str(tmp_path / "f"), collecting.text_of(collector))
    again = remembering.tally_in(str(tmp_path / "f"), journalled.path)
    assert again == collector.tally
    assert remembering.tally_in(str(tmp_path / "f"), "/another/spool") is None


@pytest.mark.parametrize("content", ["", "garbage {{{", "spoolq_up 1\n", 'spoolq_x{spool="'])
def test_a_file_that_tells_nothing_is_replaced(
    cli: Callable, journalled: Spool, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "spoolq.prom"
    file.write_text(content)
    cli("metrics", "--output", str(file)).good()
    assert parsed(file.read_text())["spoolq_up",] == 1


def test_a_directory_that_is_not_there_is_one_line(cli: Callable, tmp_path: Path) -> None:
    assert "No such file" in cli("metrics", "--output", str(tmp_path / "no/file.prom")).bad(1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--listen", "x"), "argument --listen: 'x' is no whole number from 0 to 65535"),
        (("--listen", "70000"), "argument --listen: '70000' is no whole number from 0 to 65535"),
        (("--every", "5"), "--every goes with --output"),
        (("--output", "f", "--every", "0"), "--every has to be above 0"),
    ],
)
def test_wrong_usage(cli: Callable, here: Path, words: tuple[str, ...], why: str) -> None:
    ran = cli("metrics", *words)
    assert why in ran.bad(2)
    assert (ran.out, list(here.iterdir())) == ("", [])


def test_a_port_that_is_taken_is_named(cli: Callable) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"{address}: Address already in use" in cli("metrics", "--listen", address).bad(1)


def test_a_file_is_written_again_and_again(start: Callable, tmp_path: Path) -> None:
    file = tmp_path / "spoolq.prom"
    process = start("metrics", "--output", str(file), "--every", "10ms")
    seen: set[float] = set()

    def anew() -> bool:
        if file.exists():
            seen.add(parsed(file.read_text())["spoolq_look_timestamp_seconds",])
        return len(seen) > 2

    eventually(anew, 60, "three looks")
    assert process.poll() is None


def test_scrapes_are_answered_and_a_spool_that_is_gone_is_down(
    journalled: Spool, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        command("metrics", "--listen", "0"),
        stderr=subprocess.PIPE,
        text=True,
        env=environment(SPOOLQ_DIR=journalled.path),
    )
    try:
        assert process.stderr is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
        assert address is not None

        def scrape() -> dict[tuple[str, ...], float]:
            with urllib.request.urlopen(address[0], timeout=30) as answer:
                return parsed(answer.read().decode())

        assert scrape()["spoolq_up",] == 1
        assert scrape()["spoolq_attempts_total", "done"] == 0
        Path(journalled.path).rename(tmp_path / "elsewhere")
        found = scrape()
        while found["spoolq_up",] == 1:  # for a moment the last look is still good
            found = scrape()
        assert set(found) == {("spoolq_up",)}
        (tmp_path / "elsewhere").rename(journalled.path)
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def expressions(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.fixture
def everything(cli: Callable, journalled: Spool, tmp_path: Path) -> str:
    """What is told of a spool that has something of everything."""
    journalled.publish(b"")
    heartbeat(journalled)
    heartbeat(journalled, "beta-7-ABCDEFGH22", ago=900)
    journalled.get_job(0)
    journalled.publish(b"")
    cli("metrics", "--output", str(tmp_path / "f")).good()
    return (tmp_path / "f").read_text()


def test_the_page_about_monitoring_has_every_metric(everything: str) -> None:
    page = (CONTRIB.parent / "docs" / "howto" / "monitoring.md").read_text()
    told = re.findall(r"^# HELP (\S+)", everything, re.MULTILINE)
    assert sorted(set(re.findall(r"`(spoolq_[a-z_]+)[`{]", page))) == sorted(told)


def test_the_dashboard_asks_for_metrics_that_there_are(everything: str) -> None:
    dashboard = json.loads((CONTRIB / "grafana-dashboard.json").read_text())
    there = {name for name, *_ in parsed(everything)}
    alerts = (CONTRIB / "prometheus-alerts.yml").read_text()
    asked = re.findall(r"\bspoolq_[a-z_]+", " ".join(expressions(dashboard)) + alerts)
    assert len(set(asked)) > 15
    assert set(asked) - there == set()
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)


def test_promtool_understands_every_expression(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; .ci/run installs it where it can")
    dashboard = json.loads((CONTRIB / "grafana-dashboard.json").read_text())
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(expressions(dashboard))
    ]
    # JSON is YAML as well.
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "x", "rules": rules}]}))
    for file in (tmp_path / "rules.yml", CONTRIB / "prometheus-alerts.yml"):
        checked = subprocess.run(
            [promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_without_the_extra_it_is_one_line(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("spoolq.metrics.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert "pip install 'spoolq[metrics]'" in cli("metrics").bad(1)
