"""The number of slots of Celery's gevent pool is changed while greenlets run in it, and wait for a place in it."""

import gevent
from celery.concurrency.gevent import TaskPool
from gevent.event import Event

from merchantroute_worker.pools.executors import Executor, executor_for


def executor_of(slots: int) -> tuple[TaskPool, Executor]:
    pool = TaskPool(slots)
    pool.start()
    return pool, executor_for(pool)


def nothing() -> None:
    """Nobody asks when work ends here."""


def test_each_change_is_counted_from_the_last() -> None:
    pool, executor = executor_of(20)
    for slots in (60, 10, 40, 40, 1):
        assert executor.resize(slots)
        assert (pool.limit, pool._pool.size, pool._pool.free_count()) == (slots, slots, slots)


def test_who_waits_for_a_slot_gets_one_that_is_added() -> None:
    _, executor = executor_of(1)
    over, ran = Event(), Event()
    executor.spawn(over.wait, on_end=nothing)
    waits = gevent.spawn(lambda: executor.spawn(ran.set, on_end=nothing))
    gevent.idle()
    assert not ran.is_set()

    executor.resize(2)

    assert ran.wait(20)
    over.set()
    waits.get(timeout=20)


def test_running_greenlets_keep_their_slots_when_there_are_fewer() -> None:
    pool, executor = executor_of(3)
    over, ran = Event(), Event()
    handles = [executor.spawn(over.wait, on_end=nothing) for _ in range(3)]
    executor.resize(1)
    gevent.spawn(lambda: executor.spawn(ran.set, on_end=nothing))
    gevent.idle()
    assert pool._pool._semaphore.counter == -2, "of three that run, two hold a slot that is no more"

    handles[0].cancel()
    handles[1].cancel()
    gevent.idle()
    assert not ran.is_set(), "the one that runs has the only slot"
    over.set()
    assert ran.wait(20)


def test_orders_and_an_app_s_own_tasks_are_abandoned_alike_and_leave_their_slots() -> None:
    pool, executor = executor_of(2)
    ended = Event()
    executor.spawn(Event().wait, on_end=ended.set)
    pool._pool.spawn(Event().wait)
    gevent.idle()
    assert pool._pool._semaphore.counter == 0

    executor.abandon()

    assert ended.wait(20)
    assert pool._pool.join(20)
    assert pool._pool._semaphore.counter == 2
