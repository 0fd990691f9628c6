"""Power cuts on real file systems: a worker on a loop-mounted image, copies of the image, a judge.

`unshare --mount ... python -m support.power_cuts cut KIND DURABILITY DIR` prints figures as JSON, or
fails with what was lost. All mounts are made in the private namespace and end with it.

What a cut leaves is the image's backing file: the writes that the file system has issued are in it,
those that it still holds in its own page cache or journal are not. The worker is stopped, but the
kernel may write back at any time; so the file is copied, then read again, until both are equal.
Every block then had the copied value at the instant between the two passes, so the copy is what a
cut at that instant leaves on a disk that keeps what it has been sent. Disks that lose or reorder
what was sent but not flushed are not played here; tests/faults/test_power_loss.py plays those.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq import LeaseLost, Spool
from spoolq.disk.filesystem import OsFileSystem
from support.processes import environment
from support.spools import assert_spool_sound, jobs_on_disk, names
from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = {"ext4": "loop", "xfs": "loop", "btrfs": "loop"}
# btrfs replays its log of fsyncs name by name: a file that was renamed between directories may then
# stand in both (spoolq/verbs/doubles.py). With its default options that is so in most runs here.
SIZES_MB = {"ext4": 64, "xfs": 300, "btrfs": 200}
CUTS, LINES_BETWEEN = 4, 23
CHUNK_BYTES = 1 << 16
LEASE_SECONDS = 0.5
NO_SYNC = "POWER_CUTS_WITHOUT_SYNC"
TOLD = ("done", "cancelled", "failed")


def payload(number: int) -> bytes:
    """The task of that number: it tells its number, and any part of it that is missing shows."""
    return b"%d:" % number + hashlib.sha256(b"%d" % number).hexdigest().encode() * (
        number * 7 % 150
    )


def _without_sync() -> None:
    for name in ("sync", "sync_directory"):
        setattr(OsFileSystem, name, lambda *_: None)


# --- the worker ------------------------------------------------------------------------------------


def work(path: str) -> None:
    """Work until killed; each line told is of a step that has returned ("retrying": is to come)."""
    if NO_SYNC in os.environ:
        _without_sync()
    spool = Spool(path)
    numbers = count()

    def tell(*words: object) -> None:
        os.write(1, json.dumps(words).encode() + b"\n")

    def publish(key: str | None = None) -> str:
        number = next(numbers)
        job_id = spool.publish(payload(number), key=key)
        tell("published", job_id, number, key)
        return job_id

    for turn in count():
        publish()
        unwanted = publish(key=f"key-{turn}")
        many = [next(numbers) for _ in range(5)]
        for job_id, number in zip(spool.publish_many(map(payload, many)), many, strict=True):
            tell("published", job_id, number, None)
        if spool.cancel(unwanted).outcome == "cancelled":
            tell("cancelled", unwanted)
        for step in range(4):  # the fourth is left as it is: held
            for job in spool.get_jobs(1, 0):
                try:
                    if step == 0:
                        job.done()
                        tell("done", job.id, None)
                    elif step == 1:
                        job.done(b"result of " + job.id.encode())
                        tell("done", job.id, f"result of {job.id}")
                    elif step == 2:
                        tell("failing", job.id)
                        job.fail("as planned", retry=False)
                        tell("failed", job.id)
                        if turn % 2:
                            tell("retrying", job.id)
                            spool.retry(job.id)
                            tell("retried", job.id)
                except LeaseLost:
                    tell("lost", job.id)  # stopped for longer than the lease lasted


# --- what it has told, and the judge ---------------------------------------------------------------


@dataclass
class Told:
    """What was acknowledged; a job that was to be retried may be anywhere."""

    published: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    retried: set[str] = field(default_factory=set)

    def hear(self, line: bytes) -> None:
        """Take one line of the worker in."""
        verb, job_id, *more = json.loads(line)
        if verb == "published":
            self.published[job_id] = more[0]
            if more[1]:
                self.keys[more[1]] = job_id
        elif verb == "retrying":
            self.outcomes.pop(job_id, None)
        elif verb == "retried":
            self.retried.add(job_id)
        elif verb == "failing":
            self.retried.discard(job_id)
        elif verb in TOLD:
            self.outcomes[job_id] = verb
            if verb == "done" and more[0]:
                self.results[job_id] = more[0].encode()


def judge(path: str, told: Told, durability: str) -> int:
    """Go on with a spool after a cut, repairing nothing; how many jobs were given out.

    Fails with what was promised for this durability and is not so.
    """
    kept = set() if durability == "off" else set(told.published)
    places = jobs_on_disk(path)
    several = {job_id: each for job_id, each in places.items() if len(each) != 1}
    inodes = {place: Path(path, place).stat().st_ino for each in several.values() for place in each}
    twins = [each for each in several.values() if len({inodes[place] for place in each}) > 1]
    assert not twins, f"I1: {twins}"
    assert not kept - places.keys(), f"I3: lost {len(kept - places.keys())} of {len(kept)}"
    for job_id, (place, *_) in places.items():
        assert_whole(Path(path, place).read_bytes(), told.published.get(job_id), durability)
    with Spool(path) as spool:
        if durability == "full":
            for job_id, outcome in told.outcomes.items():
                found = spool.get(job_id)
                assert found.outcome == outcome, f"I4: {outcome} was acknowledged: {found}"
            for job_id in told.retried:
                assert spool.get(job_id).outcome != "failed", f"a retry is lost: {job_id}"
            for job_id, result in told.results.items():
                assert spool.result(job_id) == result, f"I6: result of {job_id}"
        served = serve_everything(spool)
        over = set(told.outcomes) if durability == "full" else set()
        assert not over & served, f"I4: given out again: {over & served}"
        for job_id in kept:
            assert spool.get(job_id).outcome is not None, f"I3: {job_id}"
        for key, job_id in told.keys.items() if kept else ():
            assert spool.publish(b"again", key=key) == job_id, f"two jobs of {key}"
        new = spool.publish(b"new")
        assert serve_everything(spool) == {new}
        spool.prune(older_than_seconds=3600)  # settles what two names nobody had to ask for have
        assert_spool_sound(path)
    return len(served)


def assert_whole(task: bytes, number: int | None, durability: str) -> None:
    """Fail unless the task is one that the worker published, of that number if it is known."""
    kept = task.rstrip(b"\0") if durability == "off" else task
    digits = kept.partition(b":")[0]
    if durability == "off" and b":" not in kept:
        assert digits == b"" or digits.isdigit(), f"I6: foreign bytes: {task[:40]!r}"
        return
    assert digits.isdigit(), f"I6: half a task: {task[:40]!r}, {len(task)} bytes"
    assert number in {None, int(digits)}, f"I6: the task of {digits!r} instead of {number}"
    whole = payload(int(digits))
    right = whole.startswith(kept) if durability == "off" else whole == kept
    assert right, f"I6: half a task: {len(task)} of {len(whole)} bytes of {digits!r}"


def serve_everything(spool: Spool) -> set[str]:
    """Take and do all there is until nothing waits and nobody holds anything."""
    served: set[str] = set()

    def idle() -> bool:
        for job in spool.get_jobs(50, 0):
            assert job.id not in served, f"I4: {job.id} was given out twice"
            job.done()
            served.add(job.id)
        stats = spool.stats()
        return stats.ready == stats.leased == stats.delayed == 0

    try:
        eventually(idle, seconds=30, what="everything was given out without repair by hand")
    except AssertionError as error:
        left = {room: names(spool.path, room) for room in ("ready", "leased", "delayed")}
        raise AssertionError(f"I3: stuck: {left}, {spool.stats()}") from error
    return served


# --- the image -------------------------------------------------------------------------------------


def pieces(file: int) -> Iterator[tuple[int, bytes]]:
    """What a sparse file holds that is not zero: offset, bytes."""
    end = os.fstat(file).st_size
    position = 0
    while position < end:
        try:
            start = os.lseek(file, position, os.SEEK_DATA)
        except OSError:
            return  # only a hole is left
        position = os.lseek(file, start, os.SEEK_HOLE)
        for offset in range(start, position, CHUNK_BYTES):
            data = os.pread(file, min(CHUNK_BYTES, position - offset), offset)
            if data.count(0) != len(data):
                yield offset, data


def copy(image: Path, to: Path) -> None:
    """Copy a file that may be written to meanwhile, until it was not."""
    source = os.open(image, os.O_RDONLY)
    try:

        def copied_unchanged() -> bool:
            seen, again = hashlib.blake2b(), hashlib.blake2b()
            with to.open("wb") as file:
                file.truncate(os.fstat(source).st_size)
                for offset, data in pieces(source):
                    seen.update(b"%d:" % offset + data)
                    file.seek(offset)
                    file.write(data)
            for offset, data in pieces(source):
                again.update(b"%d:" % offset + data)
            return seen.digest() == again.digest()

        eventually(copied_unchanged, seconds=60, what="two readings of the image are equal")
    finally:
        os.close(source)


def shell(*words: str | Path) -> None:
    """Run a command that has to work."""
    ran = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {ran.stderr.strip()[:300]}")


@contextmanager
def mounted(kind: str, image: Path, top: Path) -> Iterator[Path]:
    """The image's file system, for a while."""
    top.mkdir(exist_ok=True)
    shell("mount", "-o", OPTIONS[kind], image, top)
    try:
        yield top
    finally:
        shell("umount", top)


def make_image(kind: str, home: Path) -> Path:
    """A new file system in a sparse file."""
    image = home / "image"
    with image.open("wb") as file:
        file.truncate(SIZES_MB[kind] << 20)
    shell(f"mkfs.{kind}", "-q", image)
    return image


# --- the play --------------------------------------------------------------------------------------


def cuts(image: Path, top: Path, durability: str) -> Iterator[tuple[Path, Told]]:
    """Let a worker work on the spool; after every few lines it tells, what a cut would leave."""
    words = [sys.executable, "-m", "support.power_cuts", "work", str(top / "spool")]
    told = Told()
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(), bufsize=0) as worker:
        assert worker.stdout is not None
        try:
            for number in range(CUTS):
                for _ in range(LINES_BETWEEN):
                    told.hear(worker.stdout.readline())
                if durability == "off" and number % 3 == 1:
                    shell("sync", "-f", top)  # else hardly anything of it would ever be found
                os.kill(worker.pid, signal.SIGSTOP)
                os.waitpid(worker.pid, os.WUNTRACED)
                # Whatever it told before it stopped counts, and it tells nothing while we copy.
                while select.select([worker.stdout], [], [], 0)[0]:
                    told.hear(worker.stdout.readline())
                cut = image.with_name(f"cut-{number}")
                copy(image, cut)
                yield cut, Told(*(each.copy() for each in vars(told).values()))
                os.kill(worker.pid, signal.SIGCONT)
        finally:
            worker.kill()


def play(kind: str, durability: str, home: Path) -> dict[str, int]:
    """Cut, then judge every copy once the original is unmounted (btrfs wants each only once)."""
    image, top = make_image(kind, home), home / "top"
    with mounted(kind, image, top):
        Spool.create(
            top / "spool", durability=durability, lease_seconds=LEASE_SECONDS, journal_seconds=0
        ).close()
        if durability == "off" or NO_SYNC in os.environ:
            shell("sync", "-f", top)  # the spool itself is old; what is published later is not
        taken = list(cuts(image, top, durability))
    _without_sync()  # from here on it is only ourselves that wait for the disk
    figures = {"cuts": 0, "published": 0, "ended": 0, "given out": 0}
    for cut, told in taken:
        if kind == "btrfs":
            subprocess.run(
                ["btrfs", "device", "scan", "--forget"], capture_output=True, check=False
            )
        with mounted(kind, cut, top):
            figures["given out"] += judge(str(top / "spool"), told, durability)
        cut.unlink()
        figures["cuts"] += 1
        figures["published"] += len(told.published)
        figures["ended"] += len(told.outcomes)
    return figures


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(sys.argv[2])
    elif sys.argv[1] == "try":  # whether this machine allows it at all
        with mounted(
            sys.argv[2], make_image(sys.argv[2], Path(sys.argv[3])), Path(sys.argv[3]) / "top"
        ):
            pass
    else:
        print(json.dumps(play(sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
