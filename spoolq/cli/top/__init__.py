"""`spoolq top`: a live view of a spool in a terminal, with keys to steer.

The only room that imports textual (extra `tui`). Everything foreign is shown as plain text, escaped.
"""
