"""Pulses of worker pods: heartbeats with counters, consumed over AMQP."""
