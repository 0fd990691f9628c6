"""The workers that left heartbeats in sys/workers/, by the newest record of each."""

from __future__ import annotations

from spoolq.rules import layout, names, records
from spoolq.rules.crew import worker_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.rules.crew import Worker
    from spoolq.verbs.context import OpenSpool

MAX_WORKERS = 2000
_LOOKS = 3


def workers(spool: OpenSpool) -> tuple[Worker, ...]:
    """Every worker that a record tells of, in the order of hosts; reads one record of each."""
    found: dict[str, Worker] = {}
    for _ in range(_LOOKS):
        missed = False
        for name, number in sorted(_newest(spool).items())[:MAX_WORKERS]:
            if name in found:
                continue
            data = spool.read_record(f"{layout.WORKERS}/{names.WorkerName(name, number)}")
            # RACE: the worker wrote its next record and removed this one meanwhile: look again.
            missed = missed or data is None
            worker = worker_of(name, records.load(data)) if data is not None else None
            if worker is not None:
                found[name] = worker
        if not missed:
            break
    return tuple(sorted(found.values(), key=lambda worker: (worker.host, worker.name)))


def _newest(spool: OpenSpool) -> dict[str, int]:
    """Worker -> the number of its newest record."""
    newest: dict[str, int] = {}
    for name in spool.fs.iterate(layout.WORKERS):
        found = names.parse_worker(name)
        if found is not None:
            newest[found.worker] = max(newest.get(found.worker, 0), found.number)
    return newest
