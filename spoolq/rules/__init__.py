"""The protocol's decisions: names, records, times and moves, as pure functions.

No I/O, no clocks, no threads: bytes, names and numbers in, the same out.
"""
