"""What a route needs between two reconciles: whether the next one may be left out, and what is kept of its objects."""
