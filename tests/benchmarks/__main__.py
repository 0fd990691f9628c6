"""`bin/bench`: run everything, write the JSON, and make the page and the plots from it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from spoolq.bench import scenarios
from spoolq.bench.rounds import Figure
from spoolq.bench.scratch import scratch_directory
from spoolq.disk import mounts
from tests.benchmarks import beside, commands, page, place, versus
from tests.benchmarks.results import Results, read

Runs = dict[str, Callable[[str], Iterator[Figure]]]


def main() -> int:
    """Measure (unless told only to draw), then write the page."""
    args = _arguments()
    if args.page:
        page.write(read())
        return 0
    if args.mount:
        place.go_inside()
    place.end_politely()
    runs = _runs(args)
    if unknown := set(args.only or ()) - set(runs):
        print(f"bench: no {', '.join(unknown)}; there are {', '.join(runs)}", file=sys.stderr)
        return 2
    wanted = args.only or list(runs)
    results = Results(wanted, kept=bool(args.only) or args.no_peers)
    try:
        with place.directory(args.directory, mounted=args.mount) as folder:
            failed = [n for n in wanted if not _measured(n, runs[n], folder, results, args)]
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bench: no place to measure in (--mount needs root): {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; what was over before is in results.json", file=sys.stderr)
        return 130
    if not args.quick:
        page.write(read())
    for name in failed:
        print(f"bench: {name} failed (see above)", file=sys.stderr)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("directory", nargs="?", help="where to measure (default: a temporary one)")
    parser.add_argument("--mount", action="store_true", help="on a loop-mounted ext4 (as root)")
    parser.add_argument("--quick", action="store_true", help="tiny counts, and nothing is written")
    parser.add_argument("--no-peers", action="store_true", help="spoolq and its floors only")
    parser.add_argument("--large", action="store_true", help="one million waiting tasks too")
    parser.add_argument("--page", action="store_true", help="only make the page from the JSON")
    parser.add_argument("--only", action="append", help="scenarios; those of before are kept")
    return parser.parse_args()


def _runs(args: argparse.Namespace) -> Runs:
    """All that can be asked for, by name."""
    quick, peers = args.quick, not args.no_peers
    scale = scenarios.QUICK if quick else scenarios.Scale()
    if args.large:
        scale = replace(scale, waiting=(*scale.waiting, 1_000_000))
    own: Runs = {
        name: lambda folder, run=run: run(folder, scale)  # type: ignore[misc]
        for name, run in scenarios.ALL.items()
    }
    sizes = (2, 10, 3) if quick else (9, 200, 40)
    others: Runs = {
        "commands": lambda folder: commands.compare(folder, *((1, 5) if quick else (7, 150))),
    }
    if peers or quick:  # without them it would take their rows off the page
        others["versus"] = lambda folder: versus.compare(folder, *sizes, with_peers=peers)
    if peers:
        crowd = (1, 2, 0.01) if quick else (3, 4, 1.0)
        waiting = (10, 100) if quick else (1000, 10_000, 100_000)
        others["peers_consumers"] = lambda folder: beside.consumers(folder, *crowd)
        others["peers_growth"] = lambda folder: beside.growth(
            folder, 1 if quick else 5, waiting, 0.01 if quick else 0.25
        )
        others["peers_wake"] = lambda folder: beside.wake(folder, *((1, 3) if quick else (3, 70)))
    return {**own, **others}


def _measured(
    name: str,
    run: Callable[[str], Iterator[Figure]],
    folder: str,
    results: Results,
    args: argparse.Namespace,
) -> bool:
    """One run, kept when it is over. What fails in it is told, and the others go on."""
    figures: list[dict[str, Any]] = []
    place.settle(folder)  # what went before is not this run's burden
    began = time.monotonic()
    try:
        with scratch_directory(folder) as scratch:
            for figure in run(scratch):
                figures.append(figure.values())
                print(json.dumps({"run": name, **figures[-1]}), flush=True)
        good = True
    except Exception as error:
        traceback.print_exc()
        figures.append(Figure("not measured", f"{name}: {error!r}", "", 0, 0, 0).values())
        good = False
    seconds = time.monotonic() - began
    print(f"bench: {name} took {seconds:.0f} s", file=sys.stderr, flush=True)
    kind = mounts.filesystem_type(folder) + (", loop-mounted" if args.mount else "")
    results.add(name, seconds, figures, kind)
    if not args.quick:
        results.save()
    return good


if __name__ == "__main__":
    sys.exit(main())
