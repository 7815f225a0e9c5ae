"""A keyed, deduplicating work queue between events and reconciles, with a budget for each group of keys.

kopf neither merges nor limits events, and a rollout of one route brings dozens of them. Here they collapse: a key
that waits is one entry, however often it is added; a key that is being worked on is worked on once more afterwards,
never twice at once. The idea is client-go's workqueue; asyncio has no library for it.

Keys whose work waits for the same server are a group, and only so many of one are worked on at once: a server that
hangs holds up its own keys, and nobody else's. No step goes through all keys: a thousand routes ask for their turn
every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
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


@dataclass(order=True, slots=True)
class _Entry(Generic[Key]):
    """A key that waits. Of one that is asked for again, and earlier, this one means nothing any more."""

    due: float
    number: int  # of those that are due at the same time the first comes first
    key: Key = field(compare=False)
    group: Hashable = field(default=None, compare=False)  # whose room it waits for, or has got
    parked: bool = field(default=False, compare=False)  # whether it waits for it


class WorkQueue(Generic[Key]):
    """Keys that are due, each at its earliest asked-for time."""

    def __init__(
        self, work: Callable[[Key], Awaitable[float | None]], budget: Callable[[Key], Budget] = no_budget
    ) -> None:
        """``work`` returns the seconds after which it wants the key again, or None."""
        self._work = work
        self._budget = budget
        self._waiting: dict[Key, _Entry[Key]] = {}
        self._numbers = itertools.count()
        self._later: list[_Entry[Key]] = []  # heap
        self._ready: list[_Entry[Key]] = []  # heap, of those that are due
        self._parked: defaultdict[Hashable, deque[_Entry[Key]]] = defaultdict(deque)  # due, by group without room
        self._busy: dict[Key, float] = {}
        self._groups: Counter[Hashable] = Counter()  # keys that are worked on, by group
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key, after: float = SETTLE) -> None:
        """Ask for a pass over ``key`` in ``after`` seconds, or earlier if one is due earlier."""
        due = time.monotonic() + after
        entry = self._waiting.get(key)
        if entry is not None and entry.due <= due:
            if entry.parked and self._budget(key).group != entry.group:
                self._make_ready(entry)
                self._changed.set()
            return
        entry = self._waiting[key] = _Entry(due, next(self._numbers), key)
        if key not in self._busy:
            self._wait_for_time(entry)
            self._changed.set()

    @property
    def depth(self) -> int:
        """Keys that are due now and wait for their turn; may be asked from another thread, for metrics."""
        now = time.monotonic()
        return sum(entry.due <= now for key, entry in list(self._waiting.items()) if key not in self._busy)

    def longest_wait(self) -> float:
        """Seconds for which the longest pass runs, or the longest-waiting due key waits; 0 while all is done.

        May be asked from another thread, for metrics.
        """
        now, busy = time.monotonic(), dict(self._busy)
        waiting = (entry.due for key, entry in list(self._waiting.items()) if key not in busy)
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
        while self._later and (self._later[0].due <= now or not self._counts(self._later[0])):
            self._make_ready(heapq.heappop(self._later))
        while self._ready:
            entry = heapq.heappop(self._ready)
            if not self._counts(entry):
                continue
            group, at_once = self._budget(entry.key)
            if entry.group is not None and entry.group != group:
                self._give_room(entry.group)  # which it does not take
            if self._groups[group] < at_once:
                return entry.key, None
            entry.group, entry.parked = group, True
            self._parked[group].append(entry)
        return None, self._later[0].due - now if self._later else None

    def _wait_for_time(self, entry: _Entry[Key]) -> None:
        if len(self._later) > 4 * len(self._waiting) + 64:  # mostly those that do not count any more
            self._later = [each for each in self._later if self._counts(each)]
            heapq.heapify(self._later)
        heapq.heappush(self._later, entry)

    def _counts(self, entry: _Entry[Key]) -> bool:
        return self._waiting.get(entry.key) is entry

    def _make_ready(self, entry: _Entry[Key]) -> None:
        entry.parked = False
        heapq.heappush(self._ready, entry)

    def _give_room(self, group: Hashable) -> None:
        """To the first that waits for it; those that are in another group by now wait for that one's."""
        parked = self._parked.get(group, deque())
        while parked:
            entry = parked.popleft()
            if entry.parked and entry.group == group and self._counts(entry):
                self._make_ready(entry)
                if self._budget(entry.key).group == group:
                    break
        if not parked:
            self._parked.pop(group, None)

    def _begin(self, key: Key) -> Hashable:
        """Note that the key is worked on; its group, which may be another one by the end."""
        group = self._budget(key).group
        del self._waiting[key]
        self._busy[key] = time.monotonic()
        self._groups[group] += 1
        return group

    async def _turn(self, key: Key, group: Hashable) -> None:
        try:
            await self._pass(key)
        finally:
            del self._busy[key]
            if key in self._waiting:
                self._wait_for_time(self._waiting[key])
            self._groups[group] -= 1
            if not self._groups[group]:
                del self._groups[group]
            self._give_room(group)
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
