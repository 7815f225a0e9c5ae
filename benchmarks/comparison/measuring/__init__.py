"""One measurement: orders are published, a contender is started on a core of its own, a window is taken."""
