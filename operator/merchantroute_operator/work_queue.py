"""A keyed, deduplicating work queue between events and reconciles.

kopf neither merges nor limits events, and a rollout of one route brings dozens of them. Here they collapse: a key
that waits is one entry, however often it is added; a key that is being worked on is worked on once more afterwards,
never twice at once. The idea is client-go's workqueue; asyncio has no library for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
logger = logging.getLogger(__name__)

SETTLE = 0.2  # seconds in which further events join the first
LONGEST_BACKOFF = 60.0


class WorkQueue(Generic[Key]):
    """Keys that are due, each at its earliest asked-for time."""

    def __init__(self, work: Callable[[Key], Awaitable[float | None]]) -> None:
        """``work`` returns the seconds after which it wants the key again, or None."""
        self._work = work
        self._due: dict[Key, float] = {}
        self._busy: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key, after: float = SETTLE) -> None:
        """Ask for a pass over ``key`` in ``after`` seconds, or earlier if one is due earlier."""
        due = time.monotonic() + after
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            self._changed.set()

    @property
    def depth(self) -> int:
        """Keys that are due now and wait for a worker; may be asked from another thread, for metrics."""
        now = time.monotonic()
        return sum(due <= now for key, due in list(self._due.items()) if key not in self._busy)

    def stuck_for(self) -> float:
        """Seconds for which the longest pass runs, or the longest-waiting due key waits; 0 while all is done."""
        now = time.monotonic()
        waiting = (due for key, due in self._due.items() if key not in self._busy)
        return max(0.0, now - min([*self._busy.values(), *waiting], default=now))

    async def run(self, workers: int) -> None:
        """Work on keys with so many workers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._next()
            self._busy[key] = time.monotonic()
            try:
                await self._pass(key)
            finally:
                del self._busy[key]
                self._changed.set()

    async def _pass(self, key: Key) -> None:
        try:
            after = await self._work(key)
        except Exception:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            logger.exception("pass over %s failed", key)
            self.add(key, min(LONGEST_BACKOFF, 2.0**failures))
            return
        self._failures.pop(key, None)
        if after is not None:
            self.add(key, after)

    async def _next(self) -> Key:
        while True:
            now = time.monotonic()
            ready = [(due, key) for key, due in self._due.items() if key not in self._busy]
            soonest = min(ready, key=lambda entry: entry[0], default=None)
            if soonest and soonest[0] <= now:
                del self._due[soonest[1]]
                return soonest[1]
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), soonest[0] - now if soonest else None)
            except TimeoutError:
                continue
