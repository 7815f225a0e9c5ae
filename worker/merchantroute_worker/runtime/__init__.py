"""gevent and the interpreter: patching, threads, clocks, signals, bounded memory."""
