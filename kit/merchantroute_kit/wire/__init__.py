"""Clients of a route, over the wire as its user has it: orders go in, completions and dead letters are watched."""
