"""The broker's objects of a route: what should be, what is, and the safe order of steps between the two."""
