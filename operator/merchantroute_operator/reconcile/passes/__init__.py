"""One reconcile of a route from start to end: active, paused or deleting, and its status."""
