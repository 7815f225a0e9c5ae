"""What demo, benchmarks and tests share: clients over the wire, a ledger, servers to start, workers to try."""
