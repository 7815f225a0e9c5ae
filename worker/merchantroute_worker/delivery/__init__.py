"""One message, from its arrival until its outcome is safe: orders of the built-in task, and tasks of an own app."""
