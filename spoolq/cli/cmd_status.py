"""`spoolq status`: how many jobs are where."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from spoolq.cli import options, output

if TYPE_CHECKING:
    import argparse

    from spoolq.jobs import Stats


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `spoolq status`."""
    options.describe(
        parser,
        "Tell how many jobs are ready, leased, delayed, done and failed, for how long the oldest "
        "one\nhas been waiting, and whether the spool is paused. Cancelled jobs count as done.",
        """
spoolq status
spoolq status --json | jq .ready
watch spoolq status
""",
        {},
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the counts."""
    with options.open_spool(args) as spool:
        stats = spool.stats()
        if args.json:
            output.json_line({"path": spool.path, **asdict(stats)})
        else:
            _print(spool.path, stats)
    return 0


def _print(path: str, stats: Stats) -> None:
    output.line(output.paint(output.printable(path), "bold"))
    columns = max(len(str(getattr(stats, name))) for name in _NAMES)
    for name in _NAMES:
        count = getattr(stats, name)
        text = f"  {name:<8} {count:>{columns}}"
        output.line((output.paint(text, name) if count else text) + _remark(name, stats))
    if stats.paused is not None:
        reason = f": {output.printable(stats.paused)}" if stats.paused else ""
        output.line(output.paint(f"  paused{reason}", "delayed"))


_NAMES = ("ready", "leased", "delayed", "done", "failed")


def _remark(name: str, stats: Stats) -> str:
    if name == "ready" and stats.oldest_ready_seconds is not None:
        return f"   oldest waiting for {output.span(stats.oldest_ready_seconds)}"
    return ""
