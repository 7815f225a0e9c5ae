"""Where messages are worked: greenlets of Celery's gevent pool, threads of its thread pool, or threads beside its
processes.

A crew runs what it is given and says when it ended. Only greenlets can be ended from outside; a thread that is told so
goes on, and its outcome is not used.
"""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from merchantroute_worker.pools import prefork

SPARE_THREADS = 4
"""Threads beside those that wait for a child process: outcomes of tasks are made safe in them."""
Work = Callable[..., None]


class Handle(Protocol):
    """One piece of work under way."""

    def cancel(self) -> None:
        """End it if that can be done from outside."""


class Executor(Protocol):
    """Runs work. `settles_in_place` says whether a callback of Celery's pool may wait for the broker."""

    settles_in_place: bool

    def spawn(self, work: Work, *arguments: Any, on_end: Callable[[], None]) -> Handle:
        """Run it where orders run; `on_end` is called whatever becomes of it, and must not wait."""

    def spawn_outside(self, work: Work, *arguments: Any) -> Handle:
        """Run it without taking the place of an order."""

    def resize(self, slots: int) -> bool:
        """Have so many slots from now on; False where that needs new pods."""

    def abandon(self) -> None:
        """End all that can be ended, whatever it does."""

    def close(self) -> None:
        """Nothing more will come."""


class _Greenlet:
    def __init__(self, greenlet: Any) -> None:
        self._greenlet = greenlet

    def cancel(self) -> None:
        self._greenlet.kill(block=False)


class GreenletExecutor:
    """Greenlets of Celery's own pool, whose warm shutdown waits for what runs in it."""

    settles_in_place = True

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def spawn(self, work: Work, *arguments: Any, on_end: Callable[[], None]) -> Handle:
        """Run it in the gevent pool itself: Celery's apply_async around it serves Requests."""
        greenlet = self._pool._pool.spawn(work, *arguments)  # noqa: SLF001
        # Not `link`, which starts a greenlet for it: `on_end` does not wait.
        greenlet.rawlink(lambda _: on_end())
        return _Greenlet(greenlet)

    def spawn_outside(self, work: Work, *arguments: Any) -> Handle:
        """A greenlet outside of the pool, which may be full of those that wait for this one."""
        import gevent

        return _Greenlet(gevent.spawn(work, *arguments))

    def resize(self, slots: int) -> bool:
        """Grow or shrink Celery's pool; what runs goes on."""
        change = slots - self._pool.limit
        if change > 0:
            self._pool.grow(change)
        elif change < 0:
            self._pool.shrink(-change)
        return True

    def abandon(self) -> None:
        """Kill the pool's greenlets."""
        self._pool._pool.kill(block=False)  # noqa: SLF001

    def close(self) -> None:
        """Greenlets need no closing."""


class _Thread:
    def __init__(self, future: "Future[None]") -> None:
        self._future = future

    def cancel(self) -> None:
        self._future.cancel()


class ThreadExecutor:
    """Native threads: Celery's own executor for the pool `threads`, one of our own beside the pool `prefork`.
    `child_pids` gives the processes to kill when all is abandoned.
    """

    def __init__(
        self, executor: ThreadPoolExecutor, child_pids: Callable[[], list[int]], *, settles_in_place: bool
    ) -> None:
        self._executor = executor
        self._child_pids = child_pids
        self.settles_in_place = settles_in_place

    def spawn(self, work: Work, *arguments: Any, on_end: Callable[[], None]) -> Handle:
        """Run it in a thread; what has not begun when the executor shuts down never begins."""
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(lambda _: on_end())
        return _Thread(future)

    def spawn_outside(self, work: Work, *arguments: Any) -> Handle:
        """Threads hand over without waiting for each other."""
        return _Thread(self._executor.submit(work, *arguments))

    def resize(self, slots: int) -> bool:
        """Threads and processes are made at the start."""
        del slots
        return False

    def abandon(self) -> None:
        """Processes can be ended, threads cannot: they end with this process."""
        for child in self._child_pids():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def close(self) -> None:
        """Let no thread begin anything."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def executor_for(pool: Any) -> Executor:
    """The crew that fits Celery's pool."""
    if getattr(pool, "is_green", False):
        return GreenletExecutor(pool)
    executor = getattr(pool, "executor", None)
    if executor is not None:
        return ThreadExecutor(executor, list, settles_in_place=True)
    prefork.send_one_sentinel_per_child(pool)
    settlement_threads = ThreadPoolExecutor(2 * pool.limit + SPARE_THREADS, "settle")
    return ThreadExecutor(settlement_threads, lambda: [child.pid for child in pool._pool._pool], settles_in_place=False)  # noqa: SLF001
