"""The end of Celery's pool `prefork`: every child is told that no more work comes.

billiard (4.3.2) sends a word for each child by walking through the list of its children, while another of its threads
takes those out of the list that have ended: a child that ends before the last word is sent costs another its word, and
that one waits for work, and the pool for it, until the grace is over.
"""

from typing import Any


def send_one_sentinel_per_child(pool: Any) -> None:
    """Let the pool walk through the children that it has when it is closed. `pool` is Celery's."""
    close = pool.on_close

    def on_close() -> None:
        if pool._pool is not None:  # noqa: SLF001 - billiard's, which exists once the pool has started
            pool._pool._task_handler.pool = tuple(pool._pool._pool)  # noqa: SLF001
        close()

    pool.on_close = on_close
