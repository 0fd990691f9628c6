"""The soak: real processes under a load that never ends, harmed all the time, judged at the end."""

from __future__ import annotations
