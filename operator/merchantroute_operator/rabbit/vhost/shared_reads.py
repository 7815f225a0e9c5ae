"""Reads of a vhost that are shared by all who ask at the same time, so that their number does not grow with routes.

What somebody gets was read by a request that began after they asked: it is as fresh as a read of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from merchantroute_operator.errors import BrokerUnreachable

Found = TypeVar("Found")


class SharedRead(Generic[Found]):
    """One kind of read. ``clock`` gives monotonic seconds.

    With ``from_end`` a result's age counts from when it came, not from when it was asked for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, from_end: bool = False) -> None:
        self._clock = clock
        self._from_end = from_end
        self._last: tuple[float, Found] | None = None
        self._running: tuple[float, asyncio.Task[Found]] | None = None

    @property
    def last(self) -> tuple[float, Found] | None:
        """When the newest result counts from, however long ago, and the result; None where there is none yet."""
        return self._last

    async def get(self, read: Callable[[], Awaitable[Found]], *, at_most: float = 0.0) -> Found:
        """A result of which the read began at most so many seconds before this call, or later.

        ``read`` is called where nobody else's read serves. Raises what it raises; of a read of somebody else's only
        that the broker does not answer: whatever else failed may be that one's own credentials.
        """
        since = self._clock() - at_most
        while True:
            if self._last is not None and self._last[0] >= since:
                return self._last[1]
            if self._running is None:
                return await asyncio.shield(self._start(read))
            began, running = self._running
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                if not running.cancelled():
                    raise
            except BrokerUnreachable:
                if began >= since:
                    raise
            except Exception:  # noqa: BLE001, S112 - it was theirs; who began it is told
                continue

    def _start(self, read: Callable[[], Awaitable[Found]]) -> asyncio.Task[Found]:
        began = self._clock()
        task = asyncio.ensure_future(self._run(began, read))
        task.add_done_callback(_retrieve)  # whoever asked may have been cancelled meanwhile
        self._running = began, task
        return task

    async def _run(self, began: float, read: Callable[[], Awaitable[Found]]) -> Found:
        try:
            found = await read()
            self._last = (self._clock() if self._from_end else began), found
            return found
        finally:
            self._running = None


def _retrieve(task: asyncio.Task[Found]) -> None:
    if not task.cancelled():
        task.exception()
