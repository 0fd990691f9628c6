"""Waiting for work: events on local file systems, polling everywhere.

A wake-up is a hint; nothing here decides anything about a job.
"""
