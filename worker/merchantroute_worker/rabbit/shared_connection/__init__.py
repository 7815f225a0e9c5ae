"""A connection that one greenlet or thread reads, and that others write to meanwhile."""
