"""A spool's figures for Prometheus: gauges of one look, counters and histograms of the journal.

The only room that imports prometheus_client (extra `metrics`). Nothing is written to the spool.
"""
