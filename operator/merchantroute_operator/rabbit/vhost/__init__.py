"""Reads of a whole vhost, shared by all who ask at the same time."""
