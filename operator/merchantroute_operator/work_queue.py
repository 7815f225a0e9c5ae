"""A keyed, deduplicating work queue between events and reconciles, with a budget for each group of keys.

kopf neither merges nor limits events, and a rollout of one route brings dozens of them. Here they collapse: a key
that waits is one entry, however often it is added; a key that is being worked on is worked on once more afterwards,
never twice at once. The idea is client-go's workqueue; asyncio has no library for it.

Keys whose work waits for the same server are a group, and only so many of one are worked on at once: a server that
hangs holds up its own keys, and nobody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
logger = logging.getLogger(__name__)

SETTLE = 0.2  # seconds in which further events join the first
LONGEST_BACKOFF = 60.0


class Budget(NamedTuple):
    """What a key's work waits for, and how many keys of the same may be worked on at once."""

    group: Hashable
    at_once: int


def no_budget(key: Hashable) -> Budget:
    """Each key is a group of its own."""
    return Budget(key, 1)


class WorkQueue(Generic[Key]):
    """Keys that are due, each at its earliest asked-for time."""

    def __init__(
        self, work: Callable[[Key], Awaitable[float | None]], budget: Callable[[Key], Budget] = no_budget
    ) -> None:
        """``work`` returns the seconds after which it wants the key again, or None."""
        self._work = work
        self._budget = budget
        self._due: dict[Key, float] = {}
        self._busy: dict[Key, float] = {}
        self._groups: Counter[Hashable] = Counter()  # keys that are worked on, by group
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
        """Keys that are due now and wait for their turn; may be asked from another thread, for metrics."""
        now = time.monotonic()
        return sum(due <= now for key, due in list(self._due.items()) if key not in self._busy)

    def longest_wait(self) -> float:
        """Seconds for which the longest pass runs, or the longest-waiting due key waits; 0 while all is done.

        May be asked from another thread, for metrics.
        """
        now, busy = time.monotonic(), dict(self._busy)
        waiting = (due for key, due in list(self._due.items()) if key not in busy)
        return max(0.0, now - min([*busy.values(), *waiting], default=now))

    async def run(self, at_once: int) -> None:
        """Work on so many keys at once, whatever their groups, until cancelled."""
        async with asyncio.TaskGroup() as passes:
            while True:
                key, wait = self._next() if len(self._busy) < at_once else (None, None)
                if key is not None:
                    passes.create_task(self._turn(key, self._begin(key)))
                    continue
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)

    def _next(self) -> tuple[Key | None, float | None]:
        """The key that has been due for longest and whose group has room; or the seconds until another one is due."""
        now = time.monotonic()
        found, since, soonest = None, now, float("inf")
        for key, due in self._due.items():
            if key in self._busy:
                continue
            if due > now:
                soonest = min(soonest, due)
            elif due <= since and self._has_room(key):
                found, since = key, due
        return found, None if soonest == float("inf") else soonest - now

    def _has_room(self, key: Key) -> bool:
        group, at_once = self._budget(key)
        return self._groups[group] < at_once

    def _begin(self, key: Key) -> Hashable:
        """Note that the key is worked on; its group, which may be another one by the end."""
        group = self._budget(key).group
        del self._due[key]
        self._busy[key] = time.monotonic()
        self._groups[group] += 1
        return group

    async def _turn(self, key: Key, group: Hashable) -> None:
        try:
            await self._pass(key)
        finally:
            del self._busy[key]
            self._groups[group] -= 1
            if not self._groups[group]:
                del self._groups[group]
            self._changed.set()

    async def _pass(self, key: Key) -> None:
        try:
            after = await self._work(key)
        except Exception:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            logger.exception("pass over %s failed", key)
            self.add(key, min(LONGEST_BACKOFF, 2.0 ** min(failures, 16)))
            return
        self._failures.pop(key, None)
        if after is not None:
            self.add(key, after)
