"""A deterministic simulator of the real code: hosts, clocks, crashes and lost replies from one seed.

`python -m tests.simulator --seeds 1-1000` plays those worlds; docs/testing.md explains them.
"""
