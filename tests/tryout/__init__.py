"""The main job on real input, with a worker killed in the middle: the program behind bin/tryout."""

from __future__ import annotations
