"""A pytest plugin: `-p simulator.planted` plants the mutant that the environment's MUTANT names."""

from __future__ import annotations

import os

from simulator.mutation import plant

plant(os.environ["MUTANT"])
