"""What a pod reports while it runs: probes and metrics over HTTP, pulses to the operator, and a blocked hub."""
