"""A worker whose spool's file system fills up. Not a test: run in a private mount namespace.

`unshare --mount python -m support.full_disk_work DIR` mounts a tmpfs on DIR and asserts there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from spoolq import JobStatus, Spool
from support.command_line import command
from support.small_disk import mount
from support.spools import assert_spool_tidy


def main(directory: str) -> None:
    """Commands print far more than there is room for, then end well or badly."""
    mount(directory, "size=8m")
    spool = Spool.create(f"{directory}/spool", durability="off", retry_delay_seconds=0.01)
    good, bad = spool.publish(b"0"), spool.publish(b"9")
    # One at a time; the log of the first is out of the way before the second.
    for job_id in (good, bad):
        words = ["work", "-s", spool.path, "--max-jobs", "1", "--"]
        script = "head -c 32000000 /dev/zero; exit $(cat)"
        # What failed/ needs is a record, so the worker waits until there is room again.
        worker = subprocess.Popen(
            command(*words, "sh", "-c", script), stderr=subprocess.PIPE, text=True
        )
        assert worker.stderr is not None
        told = worker.stderr.readline()
        assert job_id in told, told
        assert "bytes of its stdout could not be logged: No space left" in told, told
        if job_id == bad:
            told = worker.stderr.readline()
            assert "cannot be ended for now" in told, told
            assert spool.get(bad).status is JobStatus.PROCESSING
        for log in Path(spool.path, "logs").iterdir():
            log.write_bytes(b"")
        assert worker.wait(60) == (6 if job_id == bad else 0)
        worker.stderr.close()
    assert spool.get(good).status is JobStatus.DONE
    info = spool.get(bad)
    assert (info.status, info.reason) == (JobStatus.FAILED, "exit status 9")
    assert_spool_tidy(spool.path)


if __name__ == "__main__":
    main(sys.argv[1])
