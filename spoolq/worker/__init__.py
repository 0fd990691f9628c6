"""The worker: runs a command for each job of a spool.

`guard` is a process of its own that starts, watches and stops commands, `child` the worker's side
of it; `groups` and `wire` are what both know. `capture` reads what commands print, into a
`logfile`; `payload` gives them their input, `exits` decides what their end means, `cpus` how many
may run at once. No imports here: the guard passes through this file.
"""

from __future__ import annotations
