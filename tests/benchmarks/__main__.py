"""`bin/bench`: run everything, write the JSON, and make the page and the plots from it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spoolq.bench import scenarios
from spoolq.bench.scratch import scratch_directory
from spoolq.disk import mounts
from tests.benchmarks import commands, page, versus

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "benchmarks" / "results.json"


def main() -> int:
    """Measure (unless told only to draw), then write the page."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("directory", nargs="?", help="where to measure (default: a temporary one)")
    parser.add_argument("--mount", action="store_true", help="on a loop-mounted ext4 (as root)")
    parser.add_argument("--quick", action="store_true", help="tiny counts, and nothing is written")
    parser.add_argument("--no-peers", action="store_true", help="spoolq and its floors only")
    parser.add_argument("--large", action="store_true", help="one million waiting tasks too")
    parser.add_argument("--page", action="store_true", help="only make the page from the JSON")
    parser.add_argument("--only", action="append", help="scenarios; those of before are kept")
    args = parser.parse_args()
    if not args.page:
        with _place(args) as place:
            told = _measured(args, place)
        if args.quick:
            return 0
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    page.write(json.loads(RESULTS.read_text()))
    return 0


@contextmanager
def _place(args: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="spoolq-bench-", dir=args.directory) as folder:
        os.chmod(folder, 0o755)  # PostgreSQL's server runs as another user
        if not args.mount:
            yield folder
            return
        image, point = f"{folder}/image", f"{folder}/mnt"
        os.mkdir(point)
        with open(image, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 4 * 2**30)
        make = ["mkfs.ext4", "-q", "-F", "-N", "1600000", "-E", "lazy_itable_init=0", image]
        subprocess.run(make, check=True)
        subprocess.run(["mount", "-o", "loop", image, point], check=True)
        try:
            yield point
        finally:
            subprocess.run(["umount", point], check=True)


def _measured(args: argparse.Namespace, place: str) -> dict[str, Any]:
    scale = scenarios.QUICK if args.quick else scenarios.Scale()
    if args.large:
        scale = replace(scale, waiting=(*scale.waiting, 1_000_000))
    names = args.only or [*scenarios.ALL, "versus", "commands"]
    kept: list[dict[str, Any]] = []
    if args.only and RESULTS.exists() and not args.quick:
        kept = [
            one for one in json.loads(RESULTS.read_text())["figures"] if one["run"] not in names
        ]
    sizes = (2, 10, 3) if args.quick else (9, 100, 20)
    figures = []
    for name in names:
        with scratch_directory(place) as folder:
            if name == "commands":
                told = commands.compare(folder, *((1, 5) if args.quick else (5, 100)))
            elif name == "versus":
                told = versus.compare(folder, *sizes, with_peers=not args.no_peers)
            else:
                told = scenarios.ALL[name](folder, scale)
            for figure in told:
                figures.append({"run": name, **figure.values()})
                print(json.dumps(figures[-1]), flush=True)
    return {"machine": _machine(place, mounted=args.mount), "figures": kept + figures}


def _machine(place: str, *, mounted: bool) -> dict[str, Any]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "filesystem": mounts.filesystem_type(place) + (", loop-mounted" if mounted else ""),
    }


if __name__ == "__main__":
    sys.exit(main())
