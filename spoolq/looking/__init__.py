"""Seeing into a spool without disturbing it: the overview, a job's story, why a job waits.

Nothing here takes, moves or locks anything. No printing.
"""
