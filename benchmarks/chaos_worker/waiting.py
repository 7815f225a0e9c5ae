"""Waiting for conditions in the event loop, bounded."""

import asyncio
import time
from collections.abc import Callable

BETWEEN_LOOKS = 0.05


class Stuck(Exception):
    """What was waited for did not come; the text says what, and for how long."""


async def until(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Look until the condition is true. Stuck when that takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while True:
        if condition():
            return
        if time.monotonic() > end:
            raise Stuck(f"waited {seconds:g} s in vain for {what}")
        await asyncio.sleep(BETWEEN_LOOKS)


async def until_found(condition: Callable[[], object], what: str, seconds: float) -> None:
    """The same for a condition that asks somebody, which must not hold the loop."""
    end = time.monotonic() + seconds
    while True:
        if await asyncio.to_thread(condition):
            return
        if time.monotonic() > end:
            raise Stuck(f"waited {seconds:g} s in vain for {what}")
        await asyncio.sleep(BETWEEN_LOOKS)
