"""results.json: the figures of each run, written as soon as the run is over."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "results.json"


class Results:
    """What was measured, run by run. Runs that are not `wanted` now stay as they were if `kept`."""

    def __init__(self, wanted: Sequence[str], *, kept: bool, file: Path = FILE) -> None:
        self._file = file
        self._values: dict[str, Any] = {"machine": {}, "runs": {}, "figures": []}
        if kept and file.exists():
            self._values.update(json.loads(file.read_text()))
            self._drop(wanted)

    def _drop(self, names: Sequence[str]) -> None:
        old = self._values
        old["figures"] = [one for one in old["figures"] if one["run"] not in names]
        old["runs"] = {name: run for name, run in old["runs"].items() if name not in names}

    def add(self, run: str, seconds: float, figures: Sequence[dict[str, Any]], place: str) -> None:
        """Keep a run's figures; `place` says on which file system."""
        self._drop([run])
        self._values["figures"] += [{"run": run, **figure} for figure in figures]
        self._values["runs"][run] = {
            "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
            "seconds": round(seconds, 1),
            "load": round(os.getloadavg()[0], 1),
            "filesystem": place,
        }
        self._values["machine"] = {
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "processors": os.cpu_count(),
        }

    def save(self) -> None:
        """Put them into the file."""
        self._file.parent.mkdir(exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._values, indent=1) + "\n")
        new.replace(self._file)


def read(file: Path = FILE) -> dict[str, Any]:
    """What is in the file."""
    return dict(json.loads(file.read_text()))
