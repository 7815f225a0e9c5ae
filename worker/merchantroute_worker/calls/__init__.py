"""HTTP to merchants: building a request, making a call, reading its answer, one attempt of a series."""
