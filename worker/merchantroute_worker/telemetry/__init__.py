"""Counters, metrics, logs, traces and readiness, as values that the rest of the worker fills."""
