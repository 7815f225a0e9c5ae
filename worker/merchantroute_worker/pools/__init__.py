"""Executors for the three pools: greenlets, threads, and threads beside child processes."""
