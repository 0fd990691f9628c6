"""What several tests share: waiting for facts, looking at a spool's files, other processes."""

from __future__ import annotations
