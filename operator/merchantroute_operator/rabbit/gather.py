"""Concurrent calls with bounded concurrency, none of which is left running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from merchantroute_operator.rabbit.management import AT_ONCE

Item = TypeVar("Item")


async def gather(items: Sequence[Item], do: Callable[[Item], Awaitable[None]]) -> None:
    """As many at a time as there are connections; after the first failure nothing new begins, and what began ends.

    A call that is broken off may still take effect in the broker, and it would then do so in the midst of the next
    plan. Raises the first failure.
    """
    waiting = list(reversed(items))
    failures: list[Exception] = []

    async def work() -> None:
        while waiting and not failures:
            try:
                await do(waiting.pop())
            except Exception as failure:  # noqa: BLE001  (raised below, once the others have ended)
                failures.append(failure)

    await asyncio.gather(*(work() for _ in range(min(AT_ONCE, len(items)))))
    if failures:
        raise failures[0]
