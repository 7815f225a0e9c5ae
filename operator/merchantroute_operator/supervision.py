"""Keeps the operator's loops running: one that ends by an error is started again, later each time, and is counted.

A loop works for every tenant of the cluster. Were the process to end with it, what one tenant wrote would be read
again at the next start, and end that, too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from merchantroute_operator import metrics

logger = logging.getLogger(__name__)
FIRST = 1.0  # seconds until the first restart
LONGEST = 60.0  # seconds between two restarts; who ran for longer begins at the first again


async def keep_running(name: str, loop: Callable[[], Awaitable[None]], *, first: float = FIRST) -> None:
    """Run ``loop`` until it is cancelled or returns; after an error again, ``first`` seconds later, then twice that."""
    wait = first
    while True:
        started = time.monotonic()
        try:
            await loop()
        except Exception:
            if time.monotonic() - started > LONGEST:
                wait = first
            metrics.RESTARTS.labels(name).inc()
            logger.exception("%s ended by an error, and is started again in %.0f s", name, wait)
        else:
            return
        await asyncio.sleep(wait)
        wait = min(LONGEST, wait * 2)
