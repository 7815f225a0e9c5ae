"""What the operator remembers of a route between two reconciles; all of it can be found again."""
