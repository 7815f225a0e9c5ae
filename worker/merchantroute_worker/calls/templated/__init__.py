"""Calls of steps with templates: the request is filled in from the order, and the answer's content is kept."""
