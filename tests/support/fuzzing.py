"""For tests/fuzz: commands run in this process, a spool with everything, records gone wrong."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from spoolq import Spool
from spoolq.cli.main import main
from support.command_line import Ran
from support.processes import environment
from support.spools import jobs_on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text()
JOB = "5-20260101T000000000000-AAAAAAAA"
LEASE = "host-1-AAAAAAAA"
STAMP = "20260101T000000000000"
COMMANDS: dict[str, list[str]] = {
    **{name: [] for name in ("get", "status", "ls", "metrics", "reap", "doctor", "put", "pause")},
    **{name: [JOB] for name in ("show", "explain", "logs", "cancel", "retry")},
    **{name: [LEASE] for name in ("done", "fail", "release", "extend")},
    "wait": ["--timeout", "0", JOB],
    "submit": ["--", "true"],
    "stop": ["--host", "nowhere"],
    "resume": [],
    "report": ["--json"],
}
"""Those that remove no job; what they are given, JOB and LEASE standing for ones that there are."""


def run(path: str | Path, *words: str, stdin: bytes = b"") -> Ran:
    """Run a command on a spool in this process."""
    files = [io.TextIOWrapper(io.BytesIO(given), newline="") for given in (stdin, b"", b"")]
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = files
    try:
        status = main(["-s", str(path), *words])
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    told = []
    for file in files[1:]:
        file.flush()
        told.append(os.fsdecode(file.buffer.getvalue()))  # type: ignore[attr-defined]
    return Ran(status, *told)


def most_memory(path: str | Path, commands: list[list[str]]) -> int:
    """Run commands one after the other in another process: the most bytes that it had resident."""
    script = (
        "import json, resource, sys; from support.fuzzing import fine, run\n"
        "for words in json.loads(sys.argv[2]): fine(run(sys.argv[1], *words, stdin=b'x'), words)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    words = [sys.executable, "-c", script, str(path), json.dumps(commands)]
    ran = subprocess.run(
        words, env=environment(), capture_output=True, text=True, check=False, timeout=100
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return int(ran.stdout)


def fine(ran: Ran, words: object) -> None:
    """Fail unless a command ended as documented and said nothing but clear lines of its own."""
    assert ran.status in range(7), (words, ran)
    for line in ran.err.splitlines():
        assert line.startswith("spoolq: "), (words, ran.err)
        assert line.isprintable(), (words, line)
    assert "Traceback" not in ran.out + ran.err, (words, ran)


@dataclass(frozen=True)
class Furnished:
    """A spool in which jobs of every state are, with all the records that they can have."""

    path: Path
    payloads: dict[str, bytes]
    plain: str
    records: dict[str, str]

    @contextmanager
    def copy(self) -> Iterator[Furnished]:
        """A copy to be spoilt; it is removed afterwards."""
        path = self.path.with_name("copy")
        shutil.copytree(self.path, path)
        try:
            yield Furnished(path, self.payloads, self.plain, self.records)
        finally:
            shutil.rmtree(path)

    def check_nothing_is_lost(self, ended: set[str]) -> None:
        """Fail unless every job is there, with the task that was published; those ended are done."""
        places = jobs_on_disk(self.path)
        for job_id, payload in self.payloads.items():
            assert len(places.get(job_id, [])) == 1, (job_id, places.get(job_id))
            assert (self.path / places[job_id][0]).read_bytes() == payload, places[job_id]
            assert job_id not in ended or places[job_id][0].startswith("done/"), places[job_id]


def furnish(home: Path) -> Furnished:
    """Make the spool that is spoilt afterwards, copy by copy."""
    path = home / "furnished"
    spool = Spool.create(path, durability="off", lease_seconds=3600, journal_seconds=60)
    payloads: dict[str, bytes] = {}

    def put(**options: Any) -> str:
        payload = b"task %d" % len(payloads)
        job_id = spool.publish(payload, **options)
        payloads[job_id] = payload
        return job_id

    def taken(**options: Any) -> Any:
        put(priority=0, **options)
        return spool.get_job(timeout=0)

    held = taken(headers={"a": "b"}, key="k", max_attempts=3)
    tried = taken()
    tried.fail("once", delay=0)
    done = spool.get_job(timeout=0)
    done.done(b"result")
    taken().fail("for good", retry=False)
    spool.cancel(put())
    put(delay=3600)
    plain = put(priority=1)
    (path / "logs" / f"{done.id}.1.{LEASE}.out").write_bytes(b"printed\n")
    spool.close()
    (journal,) = (path / "sys" / "journal").iterdir()
    failed = next((path / "failed").glob("*.end")).name
    (history, *_) = (path / "sys" / "history").glob(f"{done.id}.*")
    draft = f"sys/tmp/{held.id}.{held.attempt}.{LEASE}.end"
    return Furnished(
        path,
        payloads,
        plain,
        {
            f"leased/{held.lease}.lease": "lease",
            f"leased/{held.lease}.grace": "lease",
            f"leased/{LEASE}.lease": "lease",
            f"sys/meta/{held.id}": "meta",
            f"sys/meta/{JOB}AA": "meta",
            f"done/{done.id}.end": "end",
            f"failed/{failed}": "end",
            draft: "end",
            f"sys/history/{history.name}": "event",
            f"sys/keys/k/{held.id}": "key",
            f"sys/workers/{LEASE}.1": "worker",
            f"sys/workers/stop.{LEASE}": "stop",
            f"sys/journal/{journal.name}": "journal",
            "sys/paused": "stop",
            f"sys/tmp/{LEASE}.task": "stop",
            f"done/{done.id}.result": "stop",
        },
    )


def words_for(name: str, spool: Furnished) -> list[str]:
    """The command on a job, or a lease, that there is."""
    held = next(path for path, kind in spool.records.items() if kind == "lease")
    lease = held.removeprefix("leased/").partition(".")[0]
    stand_ins = {JOB: next(iter(spool.payloads)), LEASE: lease}
    return [name, *(stand_ins.get(word, word) for word in COMMANDS[name])]


def example(kind: str) -> bytes:
    """A record of its kind as docs/protocol.md shows it."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found).encode()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [10**400, "../../escaped", "\x1b[2J", "\ud800", "2026-01-01T00:00:00Z", JOB, LEASE, "x" * 9000]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@st.composite
def spoilt(draw: Callable[[Any], Any], kind: str) -> bytes:
    """Bytes in place of a record: any, or a right one with something wrong in it."""
    how = draw(st.sampled_from(["bytes", "values", "values", "damage"]))
    if how == "bytes":
        return bytes(draw(st.binary(max_size=200)))
    shown = example(kind)
    lines = shown.splitlines(keepends=True) if kind == "journal" else [shown]
    at = draw(st.integers(0, len(lines) - 1))
    if how == "values":
        lines[at] = _with_other_values(draw, lines[at])
    data = b"".join(lines)
    if how == "damage":
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, len(data)))
        data = data[:start] + draw(st.binary(max_size=30)) + data[stop:]
    return data


def _with_other_values(draw: Callable[[Any], Any], line: bytes) -> bytes:
    record = json.loads(line)
    places = list(record) if isinstance(record, dict) else list(range(len(record)))
    for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        record[place] = draw(VALUES)
    if isinstance(record, dict) and draw(st.booleans()):
        record.pop(draw(st.sampled_from(places)), None)
    return json.dumps(record).encode() + b"\n"
