"""spoolq: a job queue whose server is a directory.

Layout, lowest floor first: `errors`, `jobs`, `interfaces` (words), `rules` (decisions),
`disk` (files), `verbs` (the moves) and `waiting`, `holding` (leases), `queue` (the Spool),
`upkeep`, `cli`. What is exported here is the public API; the rest may change.
"""

from __future__ import annotations

__all__: list[str] = []
