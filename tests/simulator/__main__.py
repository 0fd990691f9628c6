"""Play worlds: `python -m tests.simulator --seeds 1-1000`, or `--lives 100000`; `--seeds 17` replays.

--trace TEXT prints the operations on names that hold TEXT; --mutant NAME plays with a fault planted
in the code itself (mutants.toml). Ends with 1 and the seed when a guarantee is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", default="1-", metavar="A[-B]", help="worlds to play")
    parser.add_argument("--lives", type=int, metavar="N", help="stop after so many job lives")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="play side by side")
    parser.add_argument("--trace", metavar="TEXT", help="print operations on names that hold it")
    parser.add_argument("--mutant", metavar="NAME", help="plant this fault in the code")
    parser.add_argument("--json", action="store_true", help="tell the figures as JSON")
    return parser.parse_args()


def tracer(text: str) -> Any:
    """A function that prints the operations in which a text occurs."""

    def trace(process: Any, operation: str, given: tuple[Any, ...]) -> None:
        if any(text in str(argument) for argument in given):
            who = f"{process.world.scheduler.now:12.6f} {process.host.name}-{process.pid}"
            print(who, f"({process.doing})", operation, *given)

    return trace


def main() -> int:
    """Play what was asked for; 0 when all guarantees held."""
    asked = arguments()
    if asked.mutant:
        from simulator import mutation

        mutation.plant(asked.mutant)
    from simulator.play import play, play_many

    first, dash, last = asked.seeds.partition("-")
    ends = int(last) if last else None if dash else int(first)
    began = time.monotonic()
    if asked.trace:
        played = play(range(int(first), (ends or int(first)) + 1), tracer(asked.trace))
    else:
        played = play_many(int(first), ends, asked.lives, asked.processes)
    seconds = time.monotonic() - began
    if asked.json:
        figures = {name: getattr(played, name) for name in played.__dataclass_fields__}
        print(json.dumps({**figures, "seconds": seconds}))
    else:
        rate = played.lives / max(seconds, 1e-9)
        print(f"{played.worlds} worlds, {played.lives} lives ({rate:.0f} a second)")
        print(f"{played.operations} operations, digest {played.digest:08x}")
        print("injected:", ", ".join(f"{n} x {kind}" for kind, n in played.injected.most_common()))
    for seed, told in played.broken.items():
        print(f"seed {seed}: {told}\nreplay: python -m tests.simulator --seeds {seed}")
    return 1 if played.broken else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets must not differ either
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, __file__, *sys.argv[1:]])
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    sys.exit(main())
