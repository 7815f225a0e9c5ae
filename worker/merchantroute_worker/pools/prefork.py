"""Fixes billiard's shutdown of the prefork pool, so that every child process gets its stop sentinel.

billiard (4.3.2) sends one sentinel per child while iterating over its list of children, and another of its threads
removes children that have ended from that list meanwhile. If a child ends before the last sentinel is sent, another
child misses its own, and the pool waits for that one until the grace period ends.
"""

from typing import Any


def send_one_sentinel_per_child(pool: Any) -> None:
    """Make the pool iterate over a copy of its children when it closes. `pool` is Celery's."""
    close = pool.on_close

    def on_close() -> None:
        if pool._pool is not None:  # noqa: SLF001 - billiard's, which exists once the pool has started
            pool._pool._task_handler.pool = tuple(pool._pool._pool)  # noqa: SLF001
        close()

    pool.on_close = on_close
