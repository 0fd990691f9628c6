"""What a run of the suite has tried, counted: printed at its end by tests/conftest.py.

A kind is a few words in the plural, such as "crashes between two operations"; kinds that are
injected faults are added with `fault`, all else (executions, states, lives) with `add`.
"""

from __future__ import annotations

from collections import Counter

faults: Counter[str] = Counter()
others: Counter[str] = Counter()


def fault(kind: str, n: int = 1) -> None:
    """Count `n` injected faults of a kind."""
    faults[kind] += n


def add(kind: str, n: int = 1) -> None:
    """Count `n` of anything else that is worth a line in the report."""
    others[kind] += n


def lines() -> list[str]:
    """The report: injected faults with their sum, then the rest; empty when nothing was counted."""
    told = [f"{count:>12,}  {kind}" for kind, count in sorted(faults.items())]
    if told:
        told.append(f"{faults.total():>12,}  injected faults in all")
    return told + [f"{count:>12,}  {kind}" for kind, count in sorted(others.items())]
