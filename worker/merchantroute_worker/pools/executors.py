"""Runs deliveries: in greenlets of Celery's gevent pool, in its thread pool, or in threads beside its child processes.

Only a greenlet can be cancelled from outside. A cancelled thread runs on, and its outcome is discarded.
"""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from merchantroute_worker.pools import prefork, soft_limits
from merchantroute_worker.runtime.kept_greenlets import KeptGreenlets

SPARE_THREADS = 4
"""Threads beside those that wait for a child process, for settling the outcomes of tasks."""
Work = Callable[..., None]


class Handle(Protocol):
    """One piece of running work."""

    def cancel(self) -> None:
        """Cancel it if it can be cancelled from outside."""


class Executor(Protocol):
    """Runs work beside or in Celery's pool. `settles_in_place` says whether a callback of Celery's pool may wait for
    the broker.
    """

    settles_in_place: bool

    def spawn(self, work: Work, *arguments: Any, on_end: Callable[[], None]) -> Handle:
        """Run it in an order's slot; `on_end` is called when it ends in whatever way, and must not block."""

    def spawn_outside(self, work: Work, *arguments: Any) -> Handle:
        """Run it without occupying an order's slot."""

    def soon(self, work: Callable[[], None]) -> None:
        """Run it where it may wait, at once or soon. Itself it does not block, so that gevent's hub may call it."""

    def resize(self, slots: int) -> bool:
        """Change the number of slots; False where that needs new pods."""

    def abandon(self) -> None:
        """Kill everything that can be killed."""

    def close(self) -> None:
        """Accept no more work."""


class _Greenlet:
    def __init__(self, greenlet: Any) -> None:
        self._greenlet = greenlet

    def cancel(self) -> None:
        self._greenlet.kill(block=False)


class GreenletExecutor:
    """Runs orders in greenlets beside those of Celery's gevent pool, with which they share its slots. A task's outcome
    is settled outside of its greenlet, in which the time limit's `gevent.Timeout` may still be raised.
    """

    settles_in_place = False

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._greenlets = KeptGreenlets(pool.limit)

    def spawn(self, work: Work, *arguments: Any, on_end: Callable[[], None]) -> Handle:
        """Run it in a greenlet of our own that holds a place in Celery's pool; waits for one where all are taken."""
        places = self._pool._pool._semaphore  # noqa: SLF001 - where gevent's own `spawn` counts
        places.acquire()

        def ended() -> None:
            places.release()
            on_end()

        return self._greenlets.spawn(work, *arguments, on_end=ended)

    def spawn_outside(self, work: Work, *arguments: Any) -> Handle:
        """Spawn outside of the pool, which may be full of greenlets that wait for this one."""
        import gevent

        return _Greenlet(gevent.spawn(work, *arguments))

    def soon(self, work: Callable[[], None]) -> None:
        """Run it in a greenlet of its own."""
        import gevent

        gevent.spawn(work)

    def resize(self, slots: int) -> bool:
        """Grow or shrink Celery's pool; running greenlets are not affected.

        Not by its own `grow` and `shrink`: below 5.7 they leave `limit` as it was, so that the next change would be
        counted from there, and they wake up nobody who waits for a slot.
        """
        pool = self._pool._pool  # noqa: SLF001
        change = slots - pool.size
        self._pool.limit = pool.size = self._greenlets.most = slots
        if change < 0:
            pool._semaphore.counter += change  # noqa: SLF001
        for _ in range(change):
            pool._semaphore.release()  # noqa: SLF001
        return True

    def abandon(self) -> None:
        """Cancel the orders' greenlets, and kill those of the app's own tasks."""
        self._greenlets.cancel()
        self._pool._pool.kill(block=False)  # noqa: SLF001

    def close(self) -> None:
        """Greenlets need no closing."""


class _Thread:
    def __init__(self, future: "Future[None]") -> None:
        self._future = future

    def cancel(self) -> None:
        self._future.cancel()


class ThreadExecutor:
    """Submits to native threads: Celery's own executor for the threads pool, one of ours beside the prefork pool.
    `child_pids` gives the processes to kill in `abandon`.
    """

    def __init__(
        self, executor: ThreadPoolExecutor, child_pids: Callable[[], list[int]], *, settles_in_place: bool
    ) -> None:
        self._executor = executor
        self._child_pids = child_pids
        self.settles_in_place = settles_in_place

    def spawn(self, work: Work, *arguments: Any, on_end: Callable[[], None]) -> Handle:
        """Run it in a thread; work that has not begun when the executor shuts down never runs."""
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(lambda _: on_end())
        return _Thread(future)

    def spawn_outside(self, work: Work, *arguments: Any) -> Handle:
        """Run it in a thread of the same executor: these threads do not wait for each other."""
        return _Thread(self._executor.submit(work, *arguments))

    def soon(self, work: Callable[[], None]) -> None:
        """Run it here: nothing in a thread waits for this one."""
        work()

    def resize(self, slots: int) -> bool:
        """Not possible: threads and processes are created at startup."""
        del slots
        return False

    def abandon(self) -> None:
        """Kill the child processes. Threads cannot be killed; they end with this process."""
        for child in self._child_pids():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def close(self) -> None:
        """Cancel all work that has not begun."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def when_ended(result: Any, call: Callable[[BaseException | None], None]) -> None:
    """Call back when Celery's pool is through with a task, with the error that got out of its tracer, if any. `result`
    is what the pool's `apply_async` returned. billiard watches over child processes itself.
    """
    if hasattr(result, "rawlink"):
        result.rawlink(lambda greenlet: call(greenlet.exception))
    elif isinstance(getattr(result, "f", None), Future):
        result.f.add_done_callback(lambda future: call(None if future.cancelled() else future.exception()))


def executor_for(pool: Any) -> Executor:
    """The executor that fits Celery's pool."""
    if getattr(pool, "is_green", False):
        soft_limits.hold_in_greenlets(pool)
        return GreenletExecutor(pool)
    executor = getattr(pool, "executor", None)
    if executor is not None:
        return ThreadExecutor(executor, list, settles_in_place=True)
    prefork.send_one_sentinel_per_child(pool)
    settlement_threads = ThreadPoolExecutor(2 * pool.limit + SPARE_THREADS, "settle")
    return ThreadExecutor(settlement_threads, lambda: [child.pid for child in pool._pool._pool], settles_in_place=False)  # noqa: SLF001
