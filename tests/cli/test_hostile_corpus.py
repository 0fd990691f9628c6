"""Every command and every directory meets the whole corpus of hostile input (tests/corpus)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import tally
from support.spools import ROOMS, everything_under, tasks_in
from support.strangers import IRREGULAR, SECRET, fingerprint
from support.waits import eventually

from spoolq.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
ID = "5-20260101T000000000000-AAAAAAAA"
LEASE = "host-1-AAAAAAAA"
DIRECTORIES = (*ROOMS, "sys/locks", "sys/journal")

WORDS: dict[str, list[str]] = {
    "put": [],
    "submit": ["--", "true"],
    "get": [],
    "done": [LEASE],
    "fail": [LEASE],
    "release": [LEASE],
    "extend": [LEASE],
    "stop": ["--host", "nowhere"],
    "status": [],
    "ls": [],
    "show": [ID],
    "explain": [ID],
    "metrics": [],
    "logs": [ID],
    "wait": ["--timeout", "0", ID],
    "cancel": [ID],
    "retry": ["--failed"],
    "pause": [],
    "resume": [],
    "reap": [],
    "prune": [],
    "archive": [],
    "report": ["--json"],
    "doctor": [],
}
LEFT_OUT = {
    "init": "makes spools; test_settings below is about what it must not open",
    "work": "tests/integration/test_work_*.py",
    "slurm": "writes a script; touches no state directory",
    "top": "the same figures as status, in a terminal",
    "web": "the same figures as report, until it is stopped",
    "bench": "works on a spool of its own",
    "completion": "needs no spool",
}
NAMED = ("done", "fail", "release", "extend", "show", "explain", "logs", "wait", "cancel", "retry")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # report writes its page into the current directory


def corpus(name: str) -> Any:
    """One of the corpus's files."""
    return json.loads((CORPUS / name).read_text())


def as_bytes(text: str) -> bytes:
    """The bytes that a text of the corpus stands for."""
    return text.encode("utf-8", "surrogateescape")


def fine(ran: Any, words: list[str]) -> None:
    """The command ended as documented and said nothing but lines of its own."""
    assert ran.status in range(7), (words, ran)
    for line in ran.err.splitlines():
        assert line.startswith("spoolq: "), (words, ran.err)
        assert line.isprintable(), (words, line)
    assert "Traceback" not in ran.out + ran.err


def test_every_command_is_shown_the_corpus_or_says_why_not() -> None:
    assert COMMANDS.keys() == WORDS.keys() | LEFT_OUT.keys()


@pytest.mark.guarantee("I8")
@pytest.mark.timeout(300)
def test_foreign_names_and_kinds_in_every_directory(
    cli: Callable, spool: Spool, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.write_bytes(SECRET)
    kinds = [*IRREGULAR.values(), regular]
    planted = {}
    for position, room in enumerate(DIRECTORIES):
        os.makedirs(f"{spool.path}/{room}", mode=0o700, exist_ok=True)
        for number, name in enumerate(corpus("names.json")):
            place = Path(os.fsdecode(os.fsencode(f"{spool.path}/{room}/") + as_bytes(name)))
            try:
                kinds[(number + position) % len(kinds)](place, canary)
            except OSError:  # a socket's address has 108 bytes, a name 255
                regular(place, canary) if len(as_bytes(name)) < 256 else None
            if os.path.lexists(place):
                planted[place] = fingerprint(place)
    assert len(planted) > 500
    for command, words in WORDS.items():
        fine(cli(command, *words, stdin=b"x"), [command])
    fine(cli("resume"), ["resume"])
    job_id = cli("put", stdin=b"mine").good().out.strip()
    while (name := cli("get").good().out.strip()).partition(".")[0] != job_id:
        cli("done", name).good()
    cli("done", name).good()
    assert cli("show", job_id).good().lines
    assert {place: fingerprint(place) for place in planted} == planted
    tally.add("hostile names and kinds met by every command", len(planted))


def regular(place: Path, _canary: Path) -> None:
    """A plain file."""
    place.write_bytes(SECRET)


def records_of(path: str, lease: str, job_id: str) -> list[str]:
    """Every place where a record could stand, for a job of ours and for one that is not there."""
    return [
        *(f"leased/{lease}.lease", f"leased/{lease}.grace", f"leased/{LEASE}.lease"),
        *(f"done/{ID}.end", f"done/{ID}.result", f"failed/{ID}.end", "sys/paused"),
        *(f"sys/meta/{ID}AA", f"sys/meta/{job_id}", f"sys/tmp/{ID}.1.{LEASE}.end"),
        *(f"sys/tmp/{LEASE}.task", f"sys/tmp/{ID}", f"sys/keys/k/{job_id}"),
        *(f"sys/history/{ID}.20260101T000000000000.AAAAAAAA", f"sys/workers/{LEASE}.1"),
        *(f"sys/workers/stop.{LEASE}", f"sys/journal/20260101T000000000000.{LEASE}"),
        *(f"logs/{ID}.1.{LEASE}.out", f"failed/{ID}", f"done/{ID}"),
    ]


@pytest.mark.parametrize("wrong", corpus("records.json"))
def test_records_that_make_no_sense_stop_no_command(
    cli: Callable, make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    spool = make_spool("records", lease_seconds=0.3)
    monkeypatch.setenv("SPOOLQ_DIR", spool.path)
    job_id = spool.publish(b"task", headers={"a": "b"}, key="k")
    spool.get_job(timeout=0)
    (leased,) = tasks_in(spool.path, "leased")
    lease = leased.rpartition(".")[2]
    for name in records_of(spool.path, lease, job_id):
        place = Path(spool.path) / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        place.write_bytes(as_bytes(corpus("records.json")[wrong]))
    (Path(spool.path) / "ready" / ID).write_bytes(b"")
    for command, words in WORDS.items():
        for more in ([], ["--json"]):
            if more and command in {"metrics", "report"}:
                continue
            fine(cli(command, *more, *words, stdin=b"x"), [command, *more])
    for looked_at in ("show", "explain", "logs"):
        fine(cli(looked_at, job_id), [looked_at])
    cli("resume")
    (Path(spool.path) / "sys" / "paused").unlink(missing_ok=True)
    eventually(lambda: ended(spool, job_id), what="the job behind the bad records is done")
    assert not (Path(spool.path).parent / "escaped").exists()
    assert not Path("/tmp/escaped").exists()
    tally.add("records that make no sense", 1)


def ended(spool: Spool, job_id: str) -> bool:
    """Do one job; whether the one that matters is done."""
    for job in spool.get_jobs(5, timeout=0.1):
        job.done()
    return spool.get(job_id).outcome == "done"


@pytest.mark.parametrize("command", NAMED)
def test_ids_and_leases_that_are_none(cli: Callable, spool: Spool, command: str) -> None:
    spool.publish(b"task")
    before = everything_under(spool.path)
    for text in corpus("ids.json"):
        ran = cli(command, "--", text)
        fine(ran, [command, text])
        assert ran.status in {2, 4, 5}, (text, ran)
        assert re.search(r"\S", ran.err), (text, ran)
    assert everything_under(spool.path) == before
    tally.add("hostile ids given to commands", len(corpus("ids.json")))


@pytest.mark.parametrize("name", corpus("settings.json"))
def test_settings(cli: Callable, spool: Spool, name: str) -> None:
    text, can_be_opened = corpus("settings.json")[name]
    (Path(spool.path) / "spool.json").write_bytes(as_bytes(text))
    before = everything_under(spool.path)
    some = ("put", "get", "status", "reap") if "_" in name else tuple(WORDS)
    for command in () if can_be_opened else some:
        ran = cli(command, *WORDS[command], stdin=b"x")
        fine(ran, [command])
        assert ran.status == 1, (command, ran)
        if "pip install" in ran.err:
            continue  # of a command whose extra is not installed
        assert "spool.json" in ran.err + ran.out, (command, ran)
    if can_be_opened:
        cli("put", stdin=b"x").good()
        assert cli("get").good().out
    else:
        assert everything_under(spool.path) == before
