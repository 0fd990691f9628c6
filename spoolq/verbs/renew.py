"""renew: a new lease's sidecar, then each task from the old lease to the new one.

Renewal and expiry race for one source name, so exactly one wins; never "extended but taken".
"""

from __future__ import annotations

from spoolq.disk.atomic import move
from spoolq.later import log_named
from spoolq.rules import layout, names
from spoolq.verbs import claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from spoolq.rules.names import LeasedName
    from spoolq.verbs.claim import Granted
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.renew")


def renew(
    spool: OpenSpool, held: Sequence[LeasedName], lease_seconds: float
) -> tuple[Granted, dict[LeasedName, LeasedName | None]]:
    """Put tasks that we hold under one new lease.

    Returns:
        The new lease, and for each task its new name, or None when it is not ours any more. Tasks
        that are missing there are as they were: the file system refused in the middle. Of an
        empty-handed renewal the sidecar is gone already.

    Raises:
        OSError: the file system refused before any task was renewed.
    """
    granted = claim.grant(spool, lease_seconds, len(held))
    renewed: dict[LeasedName, LeasedName | None] = {}
    for task in held:
        mine = names.LeasedName(task.id, task.attempt, granted.lease.name)
        try:
            won = move(spool.fs, f"{layout.LEASED}/{task}", f"{layout.LEASED}/{mine}")
        except OSError as error:
            if not any(renewed.values()):
                raise
            _log.warning("%d leases are not renewed yet: %s", len(held) - len(renewed), error)
            break
        renewed[task] = mine if won else None
    if not any(renewed.values()):
        claim.drop_sidecar(spool, granted.lease.name)
    return granted, renewed
