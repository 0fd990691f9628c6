"""A worker that begins anew with an empty memory: same process, command line and environment.

What the new life must know of the old one travels in a variable that commands never see.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from spoolq.cli import output
from spoolq.worker.listener import Counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

VARIABLE = "SPOOLQ_BEGAN_ANEW"


def begin(counts: Counts) -> NoReturn:
    """Replace this process by a new life of it."""
    output.flush()
    os.environ[VARIABLE] = json.dumps({"pid": os.getpid(), "counts": asdict(counts)})
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def counts_before() -> Counts:
    """The counts of this process's life before; zeros in its first one."""
    text = os.environ.pop(VARIABLE, None)
    told = json.loads(text) if text else {}
    return Counts(**told["counts"]) if told.get("pid") == os.getpid() else Counts()
