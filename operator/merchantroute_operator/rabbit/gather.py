"""Concurrent calls with bounded concurrency, none of which is left running."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.management import AT_ONCE

Item = TypeVar("Item")
Found = TypeVar("Found")


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


async def gather_named(names: Collection[str], read: Callable[[str], Awaitable[Found]]) -> dict[str, Found]:
    """What ``read`` gives of each name; a name of which it raises ``NotFound`` is left out."""
    found: dict[str, Found] = {}

    async def keep(name: str) -> None:
        with contextlib.suppress(NotFound):
            found[name] = await read(name)

    await gather(sorted(names), keep)
    return found
