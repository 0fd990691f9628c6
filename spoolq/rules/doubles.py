"""Of several names of one job, which is the latest: pure.

A power cut can give a file that was renamed its old name back beside the new one (btrfs, which replays
its log of fsyncs name by name). Both lead to the same inode; the later state is the job's.
"""

from __future__ import annotations

from spoolq.rules import layout

_ENDED = {layout.FAILED: 1, layout.DONE: 2}
_WITHIN_AN_ATTEMPT = {layout.LEASED: 0, layout.DELAYED: 1, layout.READY: 2}


def progress(state: str, attempts: int) -> tuple[int, int, int]:
    """How far a name shows its job to be: the greatest of several is the job's place.

    `attempts`: as the name counts them, with the running one when it is leased.

    - Nothing leaves done/. What leaves failed/, by a retry, is saved in both directories before
      that is acknowledged: so of a failed name and another one the failed counts.
    - Else the one with more attempts. A lease of that attempt came before its return; against
      `ready/<id>` of the attempt before, the lease counts, whose holder may live (I5).
    """
    ended = _ENDED.get(state, 0)
    return (ended, 0, 0) if ended else (0, attempts, _WITHIN_AN_ATTEMPT[state])
