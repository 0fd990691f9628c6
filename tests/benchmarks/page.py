"""docs/benchmarks.md from the JSON: its tables between the markers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spoolq.bench.rounds import told
from tests.benchmarks import plots
from tests.benchmarks.bars import BARS, Found, number
from tests.nfs import budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"

Figure = dict[str, Any]
Results = dict[str, Any]


def write(results: Results) -> None:
    """Put the figures into the page; draw the plots where matplotlib is installed."""
    write_tables(results)
    plots.draw(results["figures"])


def write_tables(results: Results) -> None:
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


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], figures: Sequence[str]) -> str:
    """Columns named in `figures` stand to the right."""
    sides = ["--:" if name in figures else "---" for name in head]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, sides, *rows))


def _machine(results: Results) -> str:
    machine, runs = results["machine"], results["runs"].values()
    times = sorted(run["at"] for run in runs)
    places = " and ".join(sorted({run["filesystem"] for run in runs}))
    minutes = sum(run["seconds"] for run in runs) / 60
    return (
        f"Measured from {times[0]} to {times[-1]} ({minutes:.0f} minutes of measuring) on "
        f"{machine['processors']} processors, {machine['system']}, Python {machine['python']}, "
        f"{places}; load average at most {max(run['load'] for run in runs)} when a run ended."
    )


def _bars(results: Results) -> str:
    found = Found(results["figures"])
    head = ("what", "aim", "found", "held")
    return _table(head, (bar.row(found) for bar in BARS), ())


def _own(results: Results) -> str:
    head = ("scenario", "durability", "subject", "median", "range", "x floor", "CPU x floor", "")
    own = [one for one in results["figures"] if not _is_versus(one)]
    floors = {
        (one["scenario"], one["durability"]): one["cpu"]
        for one in own
        if one["subject"] == "floor" and one["cpu"]
    }
    rows = []
    for one in own:
        key = (one["scenario"], one["durability"], one["subject"])
        floor = floors.get(key[:2])
        cpu = f"{one['cpu'] / floor:.2f}" if floor and one["cpu"] else ""
        median = f"{number(one['median'])} {one['unit']}"
        rows.append((*key, median, _range(one), _ratio(one), cpu, _note(one)))
    return _table(head, rows, head[3:7])


def _is_versus(one: Figure) -> bool:
    return one["scenario"].startswith("versus: ") or one["scenario"] == "not measured"


def _peers(results: Results) -> str:
    head = (
        "durability",
        "subject",
        "publish, tasks/s",
        "x floor",
        "take + done, tasks/s",
        "x floor",
        "given",
    )
    rows = []
    for durability in ("off", "full"):
        takes = plots.versus(results["figures"], "take + done", durability)
        for name, one in plots.versus(results["figures"], "publish", durability).items():
            take = takes[name]
            speeds = (_speed(one), _ratio(one), _speed(take), _ratio(take))
            rows.append((durability, name, *speeds, _note(take)))
    missing = [o["subject"] for o in results["figures"] if o["scenario"] == "not measured"]
    lines = (f"\nNot measured: {line}." for line in missing)
    return "\n".join((_table(head, rows, head[2:6]), *lines))


def _consumers(results: Results) -> str:
    rows = [
        (
            one["durability"],
            one["subject"],
            number(one["median"]),
            _range(one),
            _ratio(one),
            _note(one),
        )
        for durability in ("off", "full")
        for one in plots.versus(results["figures"], "4 consumers", durability).values()
    ]
    head = ("durability", "subject", "tasks/s", "range", "x floor", "given")
    return _table(head, rows, head[2:5])


def _wake(results: Results) -> str:
    medians = plots.versus(results["figures"], "wake-up, p50")
    late = plots.versus(results["figures"], "wake-up, p99")
    rows = [
        (
            name,
            number(one["median"]),
            number(late[name]["median"]),
            number(one["high"]),
            one["note"],
        )
        for name, one in medians.items()
    ]
    head = ("subject", "p50, ms", "p99, ms", "longest, ms", "")
    return _table(head, rows, head[1:4])


def _growth(results: Results) -> str:
    sizes = plots.sizes(results["figures"])
    found = {size: plots.versus(results["figures"], plots.WAITING.format(size)) for size in sizes}
    names = dict.fromkeys(name for ones in found.values() for name in ones)
    rows = []
    for name in names:
        ones = [found[size].get(name) for size in sizes]
        cells = [f"{number(one['median'])} us" if one else "" for one in ones]
        lost = max(one["counts"]["never"] for one in ones if one)
        most = next((_ratio(one) for one in reversed(ones) if one), "")
        rows.append((name, *cells, most, f"{lost:g} never"))
    head = ("subject", *(f"{size:,} waiting" for size in sizes), "most over least", "given")
    return _table(head, rows, head[1:-1])


def _nfs(_: Results) -> str:
    moves, batch = budgets.MOVES, budgets.BATCH
    in_batch = (moves[f"claim of {batch}"] + moves[f"done of {batch}"]) / batch
    told_of = {
        "publish": moves["publish"],
        "claim, with the task's bytes": moves["claim"],
        "done": moves["done"],
        "a job by itself: claim and done": moves["claim"] + moves["done"],
        f"a job of a batch of {batch}: claim and done": in_batch,
        "renew": moves["renew"],
        "a look that finds nothing new": budgets.IDLE_LOOK,
    }
    rows = ((what, f"{requests:.3g}") for what, requests in told_of.items())
    return _table(("move", "requests at most"), rows, ("requests at most",))


def _speed(one: Figure) -> str:
    return f"{1e6 / one['median']:,.0f}"


def _range(one: Figure) -> str:
    return f"{number(one['low'])} to {number(one['high'])}"


def _ratio(one: Figure) -> str:
    return "" if one["ratio"] is None else f"{one['ratio']:.2f}"


def _note(one: Figure) -> str:
    return ", ".join(filter(None, (one["note"], told(one["counts"]))))


TABLES: dict[str, Callable[[Results], str]] = {
    "machine": _machine,
    "bars": _bars,
    "own": _own,
    "peers": _peers,
    "consumers": _consumers,
    "wake": _wake,
    "growth": _growth,
    "nfs": _nfs,
}
