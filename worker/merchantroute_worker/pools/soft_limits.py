"""Soft time limits of tasks in greenlets, which Celery's gevent pool ignores.

With prefork a signal raises SoftTimeLimitExceeded inside the task; in a greenlet a timer of the hub does. It reaches
code that waits through the patched standard library, as the hard limit does there.
"""

from functools import partial
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded


def hold_in_greenlets(pool: Any) -> None:
    """Make the pool hold soft time limits. `pool` is Celery's gevent pool, before it has started."""
    apply = pool.apply_async

    def apply_async(target: Any, *arguments: Any, soft_timeout: float | None = None, **options: Any) -> Any:
        if soft_timeout:
            target = partial(_limited, target, soft_timeout)
        return apply(target, *arguments, soft_timeout=soft_timeout, **options)

    pool.apply_async = apply_async


def _limited(target: Any, seconds: float, *arguments: Any, **options: Any) -> Any:
    import gevent

    with gevent.Timeout(seconds, SoftTimeLimitExceeded(seconds)):
        return target(*arguments, **options)
