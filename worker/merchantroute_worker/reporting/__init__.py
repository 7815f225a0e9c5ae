"""What a pod shows while it runs: probes and metrics over HTTP, pulses to the operator, a blocked hub."""
