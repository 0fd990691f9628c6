"""The plots of docs/benchmarks.md, as SVG, from the JSON: drawn where matplotlib is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PLOTS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
WAITING = "take + done, {} waiting"
OURS = "#d1495b"
OTHERS = "#6c8ead"

Figures = list[dict[str, Any]]


def draw(figures: Figures) -> None:
    """Draw all of them, or say why not."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no matplotlib: the plots are as they were")
        return
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "spoolq", "svg.fonttype": "none", "font.size": 9})
    for name, make, scenario in (
        ("throughput", _throughput, "versus: publish"),
        ("growth", _growth, "first claim"),
        ("latency", _latency, "versus: wake-up, p50"),
    ):
        if any(one["scenario"] == scenario for one in figures):
            make(figures)
        else:
            print(f"no figures of {scenario}: the plot of {name} is as it was")


def versus(figures: Figures, what: str, durability: str | None = None) -> dict[str, dict[str, Any]]:
    """A scenario beside peers: its figures by subject."""
    return {
        one["subject"]: one
        for one in figures
        if one["scenario"] == f"versus: {what}" and durability in {None, one["durability"]}
    }


def sizes(figures: Figures) -> list[int]:
    """How many tasks waited, in the growth scenario beside peers."""
    words = (one["scenario"].removeprefix("versus: ").split() for one in figures)
    return sorted({int(w[3]) for w in words if w[:3] == ["take", "+", "done,"]})


def _save(figure: Any, name: str) -> None:
    from matplotlib import pyplot

    figure.tight_layout()
    kept = {"metadata": {"Date": None, "Creator": None}, "bbox_inches": "tight"}
    figure.savefig(PLOTS / f"{name}.svg", **kept)
    pyplot.close(figure)


def _throughput(figures: Figures) -> None:
    """Tasks a second per durability class, publishing and taking."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 5.5))
    for side, durability in zip(axes, ("off", "full"), strict=True):
        publish = versus(figures, "publish", durability)
        take = versus(figures, "take + done", durability)
        names = sorted(publish, key=lambda name: -publish[name]["median"])
        at = range(len(names))
        for shift, label, found in ((0.2, "publish", publish), (-0.2, "take + done", take)):
            speeds = [1e6 / found[name]["median"] for name in names]
            side.barh([n + shift for n in at], speeds, 0.4, label=label)
        side.set_yticks(list(at), names)
        for label, name in zip(side.get_yticklabels(), names, strict=True):
            label.set_color(OURS if name.startswith("spoolq") else "black")
        side.set_xscale("log")
        side.set_xlabel("tasks a second")
        side.set_title(
            "safe against " + ("power loss" if durability == "full" else "dying processes")
        )
        side.legend(loc="lower right")
    _save(figure, "throughput")


def _growth(figures: Figures) -> None:
    """Claim + done by how many tasks wait, beside peers; spoolq's first claim."""
    from matplotlib import pyplot

    figure, (beside, first) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    own = _by_size(figures, "get_job + done")
    beside.plot(*own, color=OURS, marker="o", linewidth=2.5, label="spoolq")
    found = {size: versus(figures, WAITING.format(size)) for size in sizes(figures)}
    names = dict.fromkeys(name for ones in found.values() for name in ones)
    for name in names:
        if name != "spoolq":
            points = [(size, ones[name]["median"]) for size, ones in found.items() if name in ones]
            beside.plot(*zip(*points, strict=True), marker=".", label=name)
    beside.set_yscale("log")
    beside.set_ylabel("microseconds a task")
    beside.set_title("take + done")
    beside.legend(fontsize=7)
    first.plot(*_by_size(figures, "first claim"), color=OURS, marker="o")
    first.set_ylim(bottom=0)
    first.set_ylabel("seconds")
    first.set_title("spoolq: first claim of a new process")
    for side in (beside, first):
        side.set_xscale("log")
        side.set_xlabel("tasks waiting")
    _save(figure, "growth")


def _by_size(figures: Figures, scenario: str) -> tuple[Sequence[int], Sequence[float]]:
    found = [o for o in figures if o["run"] == "growth" and o["scenario"] == scenario]
    return [int(one["subject"].split()[0]) for one in found], [one["median"] for one in found]


def _latency(figures: Figures) -> None:
    """From a publish to the return of what waited in another process: p50, and p99 as a line."""
    from matplotlib import pyplot

    middle, late = versus(figures, "wake-up, p50"), versus(figures, "wake-up, p99")
    names = sorted(middle, key=lambda name: -middle[name]["median"])
    figure, side = pyplot.subplots(figsize=(8, 3.2))
    medians = [middle[name]["median"] for name in names]
    up = [max(0.0, late[name]["median"] - middle[name]["median"]) for name in names]
    colors = [OURS if name == "spoolq" else OTHERS for name in names]
    side.barh(names, medians, xerr=[[0.0] * len(up), up], color=colors, capsize=3)
    side.set_xscale("log")
    side.set_xlabel("milliseconds: p50, and p99 at the line's end")
    side.set_title("from publish in one process to the waiting one's return in another")
    _save(figure, "latency")
