"""The benchmark: spoolq's own scenarios, a floor in C, and the peers, into one JSON file."""
