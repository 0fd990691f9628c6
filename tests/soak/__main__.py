"""Starts the soak: `python tests/soak --minutes 2`, hours if asked; or one of its processes (`--role`).

Where it may, it starts itself anew with mounts of its own, so that the spool has a small disk to fill.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
MOUNTED = "SOAK_MOUNTED"


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python tests/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long harm is done")
    parser.add_argument("--seed", type=int, help="decides what harm is done to whom, and when")
    parser.add_argument("--place", help="an empty or new directory (default: a temporary one)")
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    """Run it; 0 when every promise was kept."""
    if given[:1] == ["--role"]:
        # Under libfaketime the sleep of Python 3.11 and later fails with EINVAL.
        time.sleep = lambda seconds: threading.Event().wait(seconds)
        from soak import roles

        roles.play(*given[1:])
        return 0
    from support.mounting import private_mounts

    from soak import run

    asked = arguments(given)
    if asked.seed is None:
        asked.seed = int(time.time())
    place = Path(asked.place or tempfile.mkdtemp(prefix="spoolq-soak-")).absolute()
    place.mkdir(parents=True, exist_ok=True)
    if any(place.iterdir()):
        sys.exit(f"soak: {place} is not empty")
    unshare = private_mounts()
    if unshare and MOUNTED not in os.environ:
        os.environ[MOUNTED] = "1"
        words = ["--minutes", str(asked.minutes), "--seed", str(asked.seed), "--place", str(place)]
        command = [*unshare, sys.executable, str(TESTS / "soak"), *words]
        os.execvp(command[0], command)
    return run.soak(place, asked.minutes * 60, asked.seed, small_disk=MOUNTED in os.environ)


if __name__ == "__main__":
    sys.path[:1] = [str(TESTS), str(TESTS.parent)]
    sys.exit(main(sys.argv[1:]))
