"""What the demo, the benchmarks and the tests share: a producer, a ledger, brokers, merchants and workers to try."""
