"""claim: write the lease's sidecar, then rename tasks from ready/ to leased/.

The sidecar comes first, so that no leased task is ever without its deadline.
"""

from __future__ import annotations

import math

from spoolq.disk.atomic import discard, write_new
from spoolq.disk.weather import PASSING
from spoolq.rules import layout, leases, names, records
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from spoolq.rules.names import LeasedName
    from spoolq.verbs.context import OpenSpool


class Granted(NamedTuple):
    """A lease as its holder knows it.

    `trusted_until` and `shared_until` are on the holder's own monotonic clock, reckoned from before
    the attempt began; `lease.deadline` is on the server's.
    """

    lease: records.Lease
    trusted_until: float
    shared_until: float = -math.inf


GRANTS_AGAIN = 2
"""How often a lease is asked for anew when its sidecar got lost in a network before it stood."""


def grant(spool: OpenSpool, lease_seconds: float, limit: int) -> Granted:
    """Write the sidecar of a new lease under a name that never was.

    Raises:
        OSError: the file system refused; no lease was granted.
    """
    for _ in range(GRANTS_AGAIN):
        try:
            return _grant(spool, lease_seconds, limit)
        except OSError as error:
            if error.errno not in PASSING or not spool.fs.is_network:
                raise
            # NFS: stale when a reply took longer than a lease lasts: the sidecar, with no task, was
            # a leftover to others by then. EIO when a server restarted and knew nothing of the open
            # file. Nothing is under this name, so another one will do.
    return _grant(spool, lease_seconds, limit)


def _grant(spool: OpenSpool, lease_seconds: float, limit: int) -> Granted:
    started = spool.clock.local()
    token = spool.token()
    path = layout.sidecar(token)
    made: list[records.Lease] = []

    def contents(stamp: float) -> bytes:
        lease = records.Lease(
            token, spool.owner, spool.host, spool.pid(), stamp, lease_seconds, limit
        )
        made.append(lease)
        return records.dump_lease(lease)

    # CRASH: a lease longer than the spool's usual one must not be cut short by the loss of its
    # sidecar (a full term is all that others would then grant), so it is synced.
    sync = lease_seconds > spool.settings.lease_seconds and spool.syncs_endings
    write_new(spool.fs, spool.clock, path, contents, sync=sync)
    return Granted(
        made[0],
        leases.trusted_until(started, lease_seconds),
        leases.shared_until(started, lease_seconds),
    )


def recovered(spool: OpenSpool, lease: str, known: Container[str]) -> Iterator[LeasedName]:
    """Tasks that are ours although the rename said they were gone (a lost reply).

    `known` are the names in leased/ that the rename did not say so of.

    NFS: 8 of 8 renames in flight while a server was rebooted returned ENOENT though done. Their
    new names are ours alone, so one listing tells all of them.
    """
    for name in spool.fs.iterate(layout.LEASED):
        parsed = names.parse_leased(name)
        if parsed is not None and parsed.lease == lease and name not in known:
            yield parsed


def drop_sidecar(spool: OpenSpool, lease: str) -> None:
    """Remove the sidecar of a lease that covers no task any more, and its grace if there is one."""
    if not discard(spool.fs, layout.sidecar(lease)):
        discard(spool.fs, layout.grace(lease))
