"""The route's status, computed once at the end of a pass: one condition per file, each a pure function."""
