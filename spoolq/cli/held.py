"""What commands about a held job share: LEASE operands, and the job's JSON."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.cli.table import Table
    from spoolq.holding.job import Job

LEASE_HELP = """
LEASE is what `spoolq get` printed: the name of a file in leased/. The bare name of a lease does
too while it covers one job. Of several LEASEs all are tried; the first failure decides the exit
status.
"""
LEASE_EXITS = {4: "a lease was lost: the job is somebody else's by now, stop working on it"}


def add_leases(table: Table) -> None:
    """LEASE operands."""
    table.add_argument("leases", metavar="LEASE", nargs="+", help="as `spoolq get` printed it")


def held_values(job: Job) -> dict[str, Any]:
    """A held job as its JSON object."""
    return {
        "id": job.id,
        "name": job.name,
        "lease": job.lease,
        "attempt": job.attempt,
        "deadline": job.deadline,
        "path": job.path,
        "reschedules": job.reschedules,
        "priority": job.priority,
        "headers": dict(job.headers or {}),
    }
