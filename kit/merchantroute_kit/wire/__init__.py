"""A route as its user has it, over the wire: orders go in, completions and dead letters are watched. No subprocess."""
