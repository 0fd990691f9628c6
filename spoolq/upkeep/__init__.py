"""Looking after a spool: the doctor."""
