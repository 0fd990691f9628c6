"""Every mutant of the simulator still applies; that each is found is tests/simulator's business."""

from __future__ import annotations

import pytest
from simulator.mutation import Mutant, mutants


@pytest.mark.parametrize("mutant", mutants().values(), ids=list(mutants()))
def test_mutant_applies(mutant: Mutant) -> None:
    """If not: you changed the code there; let its text in tests/simulator/mutants.toml follow."""
    compile(mutant.source(), str(mutant.path), "exec")
