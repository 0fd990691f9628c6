"""Play worlds: `python -m tests.simulator --seeds 1-1000 [--processes 2]`, or `--lives 100000`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> int:
    """Play the seeds asked for; 0 when all held, 1 at the first that did not."""
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--seeds", default="1-200", help="one seed, or FIRST-LAST")
    parser.add_argument("--trace", help="print the operations on names that hold this text")
    args = parser.parse_args()

    def trace(process: Any, operation: str, arguments: tuple[Any, ...]) -> None:
        if any(args.trace in str(argument) for argument in arguments):
            who = f"{process.world.scheduler.now:12.6f} {process.host.name}-{process.pid}"
            print(who, f"({process.doing})", operation, *arguments)

    first, _, last = args.seeds.partition("-")
    from simulator.world import World

    lives = operations = 0
    injected: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(int(first), int(last or first) + 1):
        world = World(seed, trace if args.trace else None)
        try:
            world.run()
        except BaseException:
            print(f"seed {seed}: {world.plan}", file=sys.stderr)
            raise
        lives += world.lives
        operations += world.operations
        injected += world.plan.injected
    seconds = time.monotonic() - began
    print(lives, "lives", operations, "operations", f"{seconds:.1f} s", dict(injected))
    return 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets must not differ either
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulator", *sys.argv[1:]])
    sys.exit(main())
