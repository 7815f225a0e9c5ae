"""Polling: wait for a condition within a bound, in a thread or in an event loop.

The first polls are close together, so that what comes soon is seen soon; later ones are further apart, so that a wait
of a minute does not keep a broker or an API server busy.
"""

import asyncio
import os
import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")
# On a machine that is busy with other things a bound is multiplied by this: it asserts nothing.
PATIENCE = float(os.environ.get("MR_PATIENCE", "1"))
INTERVAL = 0.05  # seconds between the first polls
_LONGEST = 0.25


class TimedOut(AssertionError):
    """What was waited for did not come in time; the text says what, and for how long."""


def until(
    condition: Callable[[], T],
    what: str,
    within: float = 60.0,
    explain: Callable[[], object] | None = None,
    interval: float = INTERVAL,
) -> T:
    """Poll until the condition gives something true, and give that; `interval` seconds are between two polls at least.

    Raises:
        TimedOut: it did not within so many seconds; the text ends with what `explain` gives.
    """
    began = time.monotonic()
    while not (found := condition()):
        waited = time.monotonic() - began
        if waited > within * PATIENCE:
            raise _timed_out(what, within, found, explain)
        Event().wait(max(interval, _interval(waited)))
    return found


async def until_async(
    condition: Callable[[], object], what: str, within: float = 60.0, *, in_thread: bool = False
) -> None:
    """The same in an event loop; `in_thread` for a condition that asks somebody, which must not hold up the loop.

    Raises:
        TimedOut: it did not within so many seconds.
    """
    began = time.monotonic()
    while not (found := await asyncio.to_thread(condition) if in_thread else condition()):
        waited = time.monotonic() - began
        if waited > within * PATIENCE:
            raise _timed_out(what, within, found, None)
        await asyncio.sleep(_interval(waited))


def _interval(waited: float) -> float:
    return min(_LONGEST, max(INTERVAL, waited / 50))


def _timed_out(what: str, within: float, found: object, explain: Callable[[], object] | None) -> TimedOut:
    told = f"\n{explain()}" if explain else ""
    return TimedOut(f"waited {within:g} s in vain for: {what}; last seen: {found!r}{told}")
