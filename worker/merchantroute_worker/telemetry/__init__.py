"""Counters, metrics, logs, traces and readiness of a pod."""
