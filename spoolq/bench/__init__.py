"""Measuring a spool against its floor: the same system calls with nothing around them.

The spool-only part of the benchmark, on a directory of the user's choice. Nothing else in spoolq
may import it. Each figure is a median of rounds in which all subjects take turns (A B A B), so
that what else the machine does meets them alike.
"""
