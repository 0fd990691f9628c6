"""The moves of the protocol, one verb a file: functions that take the open spool first.

Every file operation goes through the seam in `spoolq.disk`.
"""
