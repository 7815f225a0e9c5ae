"""Reads of a vhost: of all that is in it, shared by all who ask at the same time, and of one route by name."""
