"""The report: what a spool has done, as one HTML page that needs nothing but a browser."""
