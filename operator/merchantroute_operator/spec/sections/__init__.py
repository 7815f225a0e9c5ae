"""The sections of a route's spec, each parsed on its own."""
