"""Preflight checks of a broker: what listens there, and whether it can carry a route."""
