"""The steps of a reconcile: each makes one group of objects as the route wants it."""
