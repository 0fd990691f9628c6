"""Where to measure: a directory, or an ext4 of its own in an image; nothing is left of either."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE_BYTES = 4 * 2**30
INODES = 1_600_000
_INSIDE = "SPOOLQ_BENCH_INSIDE"


def go_inside() -> None:
    """As root, run this again where mounts and processes are its own: they end with it.

    Whatever ends the benchmark, even SIGKILL, no server and no mount outlives it. Does not return
    when it has been run inside.
    """
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if _INSIDE in os.environ or os.geteuid() != 0 or shutil.which("unshare") is None:
        return
    if subprocess.run([*apart, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return
    words = [*apart, sys.executable, "-m", "tests.benchmarks", *sys.argv[1:]]
    inside = subprocess.Popen(words, env={**os.environ, _INSIDE: "1"})
    # unshare itself hears nothing but SIGKILL; Ctrl-C reaches what runs inside by itself.
    signal.signal(signal.SIGTERM, lambda *_: _pass_on(inside.pid))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(inside.wait())


def _pass_on(unshare: int) -> None:
    children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text(encoding="ascii")
    for child in children.split():
        os.kill(int(child), signal.SIGTERM)


def end_politely() -> None:
    """SIGTERM tidies up, as Ctrl-C does: process 1 of its namespace would not hear it at all."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


@contextmanager
def directory(parent: str | None, *, mounted: bool) -> Iterator[str]:
    """A new directory under `parent` (None: where temporary files are), or an ext4 mounted there.

    Raises:
        OSError, subprocess.CalledProcessError: it cannot be made, or not be mounted.
    """
    with tempfile.TemporaryDirectory(
        prefix="spoolq-bench-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        os.chmod(folder, 0o755)  # PostgreSQL's server runs as another user
        if not mounted:
            yield folder
            return
        image, point = f"{folder}/image", f"{folder}/mnt"
        os.mkdir(point)
        with open(image, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, IMAGE_BYTES)
        make = ["mkfs.ext4", "-q", "-F", "-N", str(INODES), "-E", "lazy_itable_init=0", image]
        subprocess.run(make, check=True)
        subprocess.run(["mount", "-o", "loop", image, point], check=True)
        os.unlink(image)  # the mount keeps it for as long as it is needed
        try:
            yield point
        finally:
            _unmount(point)


def _unmount(point: str) -> None:
    for _ in range(50):
        ended = subprocess.run(["umount", point], capture_output=True, text=True, check=False)
        if not ended.returncode:
            return
        time.sleep(0.1)
    print(f"bench: {ended.stderr.strip()}; it goes when its last user ends", file=sys.stderr)
    subprocess.run(["umount", "--lazy", point], check=False)


def settle(folder: str) -> None:
    """Have the disk done with what was written before; of this file system only."""
    subprocess.run(["sync", "-f", folder], check=False)
