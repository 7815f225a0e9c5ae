"""Each child of a pool that ends is told so, also when some have ended before the last is told."""

from contextlib import suppress
from select import select
from threading import Thread
from typing import Any

import pytest
from celery import Celery
from celery.concurrency.prefork import TaskPool

from merchantroute_kit.waiting import until
from merchantroute_worker.pools.prefork import send_one_sentinel_per_child

CHILDREN = 4
LONG = 3.0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_no_child_waits_for_work_that_never_comes() -> None:
    app = Celery(set_as_current=False)
    pool = TaskPool(CHILDREN, app=app, initargs=(app, "pod-0"))
    send_one_sentinel_per_child(pool)
    pool.start()
    inner = pool._pool
    children = list(inner._pool)
    put, missed = inner._task_handler.put, list[int]()

    def put_slowly(word: Any) -> None:
        """The first child that is told ends, and billiard takes it out of its list, before the next is told."""
        put(word)
        if word is None and not missed:
            with suppress(AssertionError):
                until(lambda: len(inner._pool) < CHILDREN, "billiard to miss a child", LONG)
            missed.append(len(inner._pool))

    inner._task_handler.put = put_slowly
    # While an outcome is awaited, billiard looks which children have ended.
    outcome = inner.apply_async(select, ([], [], [], LONG))
    until(lambda: outcome._accepted, "a child to work")

    pool.close()
    end = Thread(target=pool.stop, daemon=True)
    end.start()
    try:
        until(lambda: not end.is_alive(), "the pool to end")
    finally:
        for child in children:
            child.terminate()
    assert outcome.successful()
    assert missed == [CHILDREN - 1]
