"""docs/benchmarks.md from the JSON: its tables between the markers, and the plots as SVG."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"
PLOTS = DOCS / "benchmarks"

Figures = list[dict[str, Any]]


def write(results: dict[str, Any]) -> None:
    """Put the figures into the page; draw the plots where matplotlib is installed."""
    write_tables(results)
    try:
        import matplotlib as mpl
    except ImportError:
        print("no matplotlib: the plots are as they were")
        return
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "spoolq"
    _throughput(results["figures"])
    _growth(results["figures"])
    _latency(results["figures"])


def write_tables(results: dict[str, Any]) -> None:
    """Put the figures into the page, between its markers."""
    text = PAGE.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        block = f"<!-- {name} -->\n{make(results)}\n<!-- end -->"
        text, found = re.subn(
            rf"<!-- {name} -->\n.*?<!-- end -->", lambda _, b=block: b, text, flags=re.DOTALL
        )
        if not found:
            raise ValueError(f"{PAGE}: no place for {name}")
    PAGE.write_text(text, encoding="utf-8")


def _machine(results: dict[str, Any]) -> str:
    told = results["machine"]
    return (
        f"Measured {told['at']} on {told['processors']} processors, {told['system']}, Python "
        f"{told['python']}, {told['filesystem']}; load average {told['load'][0]} when it ended."
    )


def _own(results: dict[str, Any]) -> str:
    head = ("scenario", "durability", "subject", "median", "range", "x floor", "CPU x floor", "")
    rows = [_row(*head), "|---|---|---|--:|--:|--:|--:|---|"]
    floors = {
        (one["scenario"], one["durability"]): one["cpu"]
        for one in results["figures"]
        if one["subject"] == "floor" and one["cpu"]
    }
    for one in results["figures"]:
        if one["run"] == "versus":
            continue
        told = (one["scenario"], one["durability"], one["subject"])
        median = f"{_n(one['median'])} {one['unit']}"
        span = f"{_n(one['low'])} to {_n(one['high'])}"
        floor = floors.get(told[:2])
        cpu = f"{one['cpu'] / floor:.2f}" if floor and one["cpu"] else ""
        rows.append(_row(*told, median, span, _ratio(one), cpu, one["note"]))
    return "\n".join(rows)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _peers(results: dict[str, Any]) -> str:
    head = ("durability", "subject", "publish, tasks/s", "x floor", "take + done, tasks/s")
    rows = [_row(*head, "x floor", "given"), "|---|---|--:|--:|--:|--:|---|"]
    for durability in ("off", "full"):
        takes = _versus(results["figures"], "take + done", durability)
        for name, one in _versus(results["figures"], "publish", durability).items():
            take = takes[name]
            speeds = (_speed(one), _ratio(one), _speed(take), _ratio(take))
            rows.append(_row(durability, name, *speeds, one["note"]))
    missing = [o["subject"] for o in results["figures"] if o["scenario"] == "not measured"]
    return "\n".join([*rows, *(f"\nNot measured: {line}." for line in missing)])


def _versus(figures: Figures, what: str, durability: str) -> dict[str, dict[str, Any]]:
    return {
        one["subject"]: one
        for one in figures
        if one["scenario"] == f"versus: {what}" and one["durability"] == durability
    }


def _speed(one: dict[str, Any]) -> str:
    return f"{1e6 / one['median']:,.0f}"


def _n(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _ratio(one: dict[str, Any]) -> str:
    return "" if one["ratio"] is None else f"{one['ratio']:.2f}"


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "machine": _machine,
    "own": _own,
    "peers": _peers,
}


def _save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None, "Creator": None})


def _throughput(figures: Figures) -> None:
    """Tasks a second per durability class, publishing and taking."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 6))
    for side, durability in zip(axes, ("off", "full"), strict=True):
        publish = _versus(figures, "publish", durability)
        take = _versus(figures, "take + done", durability)
        names = sorted(publish, key=lambda name: -publish[name]["median"])
        at = range(len(names))
        for shift, label, found in ((0.2, "publish", publish), (-0.2, "take + done", take)):
            speeds = [1e6 / found[name]["median"] for name in names]
            side.barh([n + shift for n in at], speeds, 0.4, label=label)
        side.set_yticks(list(at), names)
        side.set_xscale("log")
        side.set_xlabel("tasks a second")
        side.set_title(
            "safe against " + ("power loss" if durability == "full" else "dying processes")
        )
        side.legend()
    _save(figure, "throughput")


def _growth(figures: Figures) -> None:
    """Claim + done, and the first claim, by how many tasks wait."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4))
    wanted = (("get_job + done", "microseconds a task"), ("first claim", "seconds"))
    for side, (scenario, unit) in zip(axes, wanted, strict=True):
        found = [o for o in figures if o["run"] == "growth" and o["scenario"] == scenario]
        waiting = [int(one["subject"].split()[0]) for one in found]
        low = [one["median"] - one["low"] for one in found]
        high = [one["high"] - one["median"] for one in found]
        side.errorbar(waiting, [one["median"] for one in found], [low, high], marker="o", capsize=3)
        side.set_xscale("log")
        side.set_ylim(bottom=0)
        side.set_xlabel("tasks waiting")
        side.set_ylabel(unit)
        side.set_title(scenario)
    _save(figure, "growth")


def _latency(figures: Figures) -> None:
    """From a publish to a blocked get_job's return."""
    from matplotlib import pyplot

    found = [one for one in figures if one["run"] == "wake"]
    figure, side = pyplot.subplots(figsize=(6, 3))
    side.bar([one["subject"] for one in found], [one["median"] for one in found])
    side.set_ylabel("milliseconds")
    side.set_title("from publish in one process to get_job in another")
    _save(figure, "latency")
