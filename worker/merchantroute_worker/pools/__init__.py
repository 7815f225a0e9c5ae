"""Where work runs: greenlets, threads or child processes."""
