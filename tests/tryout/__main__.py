"""Starts a tryout, or (`--worker`) one of its worker processes."""

from __future__ import annotations

import sys
from pathlib import Path


def _main(arguments: list[str]) -> int:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    if arguments[:1] == ["--worker"]:
        from tryout import worker

        return worker.main(*arguments[1:])
    from tryout import run

    return run.main(arguments)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
